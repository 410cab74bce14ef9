"""The names of mixtures: `math-r16`, `math-full`, `joint-a4-r16`, `joint-a4-best`."""


def pair_name(expert: str, condition: str) -> str:
    """Return the name of a mixture of public and one expert.

    Args:
        condition: a rank, `full`, or the kind of a control.
    """
    return f"{expert}-{_label(condition)}"


def joint_name(active: int, condition: str) -> str:
    """Return the name of a mixture of public and all experts.

    Args:
        active: experts per token.
        condition: a rank, `full`, a selection, or `own` for imported ranks that differ.
    """
    return f"{joint_sweep(active)}-{_label(condition)}"


def joint_sweep(active: int) -> str:
    """Return the name of the sweep of the joint mixtures with so many experts per token."""
    return f"joint-a{active}"


def _label(condition: str) -> str:
    return f"r{condition}" if condition.isdigit() else condition
