"""The command line: `app` puts the verbs together; `study`, `look` and `use` hold them, a module for each panel."""
