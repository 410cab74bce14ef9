"""The names that a configuration may hold.

What implements them is elsewhere, so that a configuration is checked without importing it; a test holds both against
each other (tests/config/test_names.py).
"""

POCKET_EXPERTS = ("code", "creative", "math", "news", "pes2o", "reddit")
"""The domain experts of the pocket family (`flexmore.pocket.corpora`)."""

GROUPS = ("MC9", "Gen5", "MMLU", "MMLU-Pro", "AGIEval", "BBH")
"""The task groups of the paper's suite and of the pocket's."""

SELECTION_RULES: dict[str, tuple[str, ...]] = {
    "best": (),
    "best2": (),
    "r95": ("recovery", "confidence"),
    "effective": (),
    "stable": (),
    "energy": ("energy",),
    "gavish_donoho": (),
    "truncated_effective": (),
}
"""The rules that give each expert its own rank (`flexmore.analysis.selection.rules`), each with the keys of section
`analysis` that its choice depends on."""

SOURCES = ("pocket", "folder", "hub")
"""Where an expert may come from (`flexmore.config.experts`)."""

DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"
EXPERT, FAMILY = r"^[a-z][a-z0-9_]*$", r"^[a-z][a-z0-9_-]*$"
REPOSITORY, REVISION = r"^[\w.-]+/[\w.-]+$", r"^[\w.-][\w./-]*$"

PATTERNS = {
    EXPERT: "lower-case letters, digits and _, a letter first",
    FAMILY: "lower-case letters, digits, _ and -, a letter first",
    DEVICE: "auto, cpu, cuda and cuda:N",
    REPOSITORY: "owner/name",
    REVISION: "a branch, a tag or a commit",
}
"""What each pattern allows, in words."""
