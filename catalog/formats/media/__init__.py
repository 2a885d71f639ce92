"""Images, sound and video: sizes, lengths and codings from headers; pixels and samples are never decoded."""
