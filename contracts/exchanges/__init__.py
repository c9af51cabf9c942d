"""What the services' consumers rely on, written down as exchanges of HTTP and played.

``README.md`` beside this has the form of the files.
"""
