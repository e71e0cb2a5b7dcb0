"""Every word that stands in an HSpy file: groups, attributes, prefixes, sentinels, versions."""

from __future__ import annotations

# root
FILE_FORMAT = "file_format"
FILE_FORMAT_VERSION = "file_format_version"
HYPERSPY = "HyperSpy"
CURRENT_VERSION = "3.3"
EXPERIMENTS = "Experiments"
ANALYSIS = "Analysis"
MODELS = "models"

# an experiment
DATA = "data"
METADATA = "metadata"
ORIGINAL_METADATA = "original_metadata"
ATTRIBUTES = "attributes"
LEARNING_RESULTS = "learning_results"
PEAK_LEARNING_RESULTS = "peak_learning_results"
PACKAGE = "package"
PACKAGE_VERSION = "package_version"
UNNAMED = "__unnamed__"
LAZY = "_lazy"
RAGGED = "ragged"
SIGNAL_OF_MODEL = "_signal"

# an experiment before format 1.2
MAPPED_PARAMETERS = "mapped_parameters"
ORIGINAL_PARAMETERS = "original_parameters"
MVA_RESULTS = "mva_results"
PEAK_MVA_RESULTS = "peak_mva_results"

# axes
AXIS = "axis"
AXIS_PREFIX = "axis-"
INDEX_IN_ARRAY = "index_in_array"

# the tree: sentinels and name prefixes that carry a type
NONE = "_None_"
LIST = "_list_"
TUPLE = "_tuple_"
EMPTY = "empty_"
BYTES = "_bs_"
SIGNAL = "_sig_"
RAGGED_SHAPES = "_ragged_shapes_"
RAGGED_SHAPES_3_1 = "ragged_shapes"
DATETIME = "_datetime_"
AXES_MANAGER = "_hspy_AxesManager_"

# ours: what the format's own forms cannot tell apart
TYPES = "_hspyio_types"
MASKS = "_hspyio_masks"
SEAL = "_hspyio_seal"
SEAL_MARK = 16
"""Bytes of the attribute that tells which seal it is."""
STREAM = "_hspyio"
GROWING = "growing"
WRITTEN = "written"
"""In the metadata: of a file that is being written, and of what was not written of it."""

# NeXus: what other viewers find the data and their axes by
NX_CLASS = "NX_class"
NX_ROOT = "NXroot"
NX_ENTRY = "NXentry"
NX_DATA = "NXdata"
NX_DEFAULT = "default"
NX_SIGNAL = "signal"
NX_AXES = "axes"
NX_AXIS_VALUES = "axis_{}_values"
NX_INDICES = "_indices"
NX_INTERPRETATION = "interpretation"
NX_TITLE = "title"
NX_LONG_NAME = "long_name"
NX_UNITS = "units"

# how deep a tree may be; HSpy files nest 5 to 15 levels
MAX_DEPTH = 100
