"""A file that is written while it is measured, and read meanwhile: `hspyio.create`.

How it works, from what a user calls to the disk:

1. `Stream.put` and `append` cut what they are given into chunks and copy it into the buffers of
   `OpenChunks`. A `Coverage` knows which values of a chunk were written. One that is full goes to
   the `Encoders`; with no room for another buffer the caller waits, or is told.
2. `Encoders` are threads. Each takes a full chunk, compresses it, takes the next free place behind
   the end of the file, and writes it there. No reader knows of that part of the file. Without
   filters it is one thread: a file system lets one at a time write into a file.
3. A checkpoint (`Stream.checkpoint`) takes the state of one instant, between two calls: how long
   the array is, which chunks belong to it, the metadata as they are. Chunks that are not full are
   copied and written as well. Once all that is on the disk, a new tree of chunks
   (`hdf5/format/chunk_tree`) and a new root are built behind them, and one write of the superblock
   lets readers see it (`transaction/growing`). Chunks that stand already are kept: the new tree
   leads to them too.
4. Readers go by the root that they found. Nothing below the end is ever written again, so that what
   one has opened stays as it was, whatever is appended.

What a state costs, so what is dead space once the next one is there: the nodes of the tree that
changed, a few groups, and every chunk that was stored before it was full. The last is the most: a
checkpoint that nobody asked for leaves such chunks out where they would make a tenth of the file
dead.

A state says of itself, in the metadata under `_hspyio`: `growing`, while it is not the last one,
and `written`, where not all of it was written.

Locks, from the outside: `Stream._appending` (order of appends), the `Gate` (calls against the
instant of a checkpoint), `Encoders.changed` (all that threads share). `Stream._switching` lets one
checkpoint be made at a time, and is taken before the `Gate`.

Ctrl-C is how a measurement is ended, and may strike at any line of the main thread: what must not
be left half done is `deferred`, what is waited for is not.
"""
