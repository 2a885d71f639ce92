"""Geography: bounds, coordinate systems and kinds of geometry."""
