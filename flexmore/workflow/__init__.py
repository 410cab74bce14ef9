"""What the workflow's rules ask of a study: which jobs it has, what each waits for, depends on and requests.

The rules in `workflow/rules/` hold paths of logs, environments and commands; everything that is computed is here, and
works where torch is not installed.
"""
