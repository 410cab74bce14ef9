"""The steps: one module for each rule of the workflow and each verb of the command line, of the same name.

A step reads what a study's configuration names, calls the rooms that do the work, writes the result, and returns what
the command line prints. The sub-packages are the panels of `flexmore --help`: `study`, `look` and `use`.
"""
