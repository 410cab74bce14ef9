"""The embedded pocket family: its texts, its training by FlexOlmo's recipe at a small size, and its 120 tasks."""
