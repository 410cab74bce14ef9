"""The configuration of a study, a module for each section. It imports no implementation."""

from flexmore.config.loading import dump_study, load_study, read_config
from flexmore.config.mixtures import Rank
from flexmore.config.paths import StudyPaths
from flexmore.config.study import Study

__all__ = ["Rank", "Study", "StudyPaths", "dump_study", "load_study", "read_config"]
