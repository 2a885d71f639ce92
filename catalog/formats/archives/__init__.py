"""Archives and compressed files: what their members are called, without unpacking any."""
