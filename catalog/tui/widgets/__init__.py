"""One module a widget; none of them knows a screen."""
