"""From scores to tables, selections and figures; never imports torch."""
