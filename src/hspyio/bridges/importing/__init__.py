"""Files of other formats -> HSpy files, through RosettaSciIO's readers and our own."""
