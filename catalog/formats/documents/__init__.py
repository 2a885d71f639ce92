"""Documents: pages, sheets with their header rows, and what wrote them; their text is not kept."""
