"""Pictures of the road: a segment's video cut, packed anew and drawn on, in processes of their own.

The extra `video` brings PyAV, which only `work` imports, and only in a process that `jobs` started.
"""
