"""The names and limits that a configuration is checked against, without importing what implements them.

Implementations use these names, or a test compares both (tests/config/test_names.py).
"""

MAX_RANK = 2**14
"""The largest rank of an adapter."""

POCKET_EXPERTS = ("code", "creative", "math", "news", "pes2o", "reddit")
"""The domain experts of the pocket family, in the order of its corpora (`flexmore.pocket.corpora`)."""

GROUPS = ("MC9", "Gen5", "MMLU", "MMLU-Pro", "AGIEval", "BBH")
"""The task groups of the paper's suite and of the pocket's, in the order of tables."""

SCORE_RULES: dict[str, tuple[str, ...]] = {
    "best": (),
    "best2": (),
    "r95": ("recovery", "confidence"),
}
"""The rules (`flexmore.analysis.selection.rules`) that give each expert its own rank from scores, each with the keys of
section `analysis` that its choice depends on."""

SPECTRUM_RULES: dict[str, tuple[str, ...]] = {
    "effective": (),
    "stable": (),
    "energy": ("energy",),
    "gavish_donoho": (),
    "truncated_effective": (),
}
"""Those that read spectra alone."""

SELECTION_RULES = SCORE_RULES | SPECTRUM_RULES

RENAMED = {"architecture": "sizes", "analysis.draws": "analysis.bootstrap_samples"}
"""Keys as they were called -> as they are called now."""
REMOVED = {"analysis.quarantine": "every score counts, whatever it is; unread answers and tasks at chance are listed"}
"""Keys that there were -> what holds now."""

DEVICE = r"^(auto|cpu|cuda(:\d+)?)$"
EXPERT, FAMILY = r"^[a-z][a-z0-9_]*$", r"^[a-z][a-z0-9_-]*$"
RESERVED = ("public", "joint")
"""Names that no domain expert can have: of the public model, and of the mixture of all experts."""
REPOSITORY, REVISION = r"^[\w.-]+/[\w.-]+$", r"^[\w.-][\w./-]*$"

PATTERNS = {
    EXPERT: "lower-case letters, digits and _, a letter first",
    FAMILY: "lower-case letters, digits, _ and -, a letter first",
    DEVICE: "auto, cpu, cuda and cuda:N",
    REPOSITORY: "owner/name",
    REVISION: "a branch, a tag or a commit",
}
"""Pattern -> what it allows, in words for error messages."""
