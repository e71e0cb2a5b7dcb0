"""Files on HTTP, S3 and other stores: their bytes, in few requests, and always of one state.

From the outside in: `url` and `storage_options` say what is asked for; `object_bytes` is what
readers are given; `read_ahead` fetches what is known to be read next; `requests` repeats what
fails; `stores` asks the store itself; `block_cache` keeps blocks on this computer; `upload` writes.
"""
