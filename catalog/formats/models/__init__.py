"""Models: architecture, tensors and parameters from headers and graphs. Nothing is ever loaded or executed."""
