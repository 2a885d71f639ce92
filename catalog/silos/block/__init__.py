"""Raw disk images and block devices, read without mounting them.

`image` opens the bytes, `tables` finds partitions, `content` recognises what stands in each, `disk`
puts these together. All of that is plain Python, bounded, and checks what it reads.

Directories and files are read by a child process (`worker`, with `ext`, `ntfs` and `tsk`), because The
Sleuth Kit is C and an image may be hostile: what crashes or hangs there is one folder's failure here.
`reader` is this process's end of it, `wire` what passes between them.
"""
