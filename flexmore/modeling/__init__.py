"""FlexMoRE as a transformers model; importing this package registers it with AutoConfig and AutoModelForCausalLM."""

from flexmore.modeling.configuration_flexmore import FlexMoREConfig
from flexmore.modeling.loading import load
from flexmore.modeling.modeling_flexmore import FlexMoREForCausalLM, FlexMoREModel
from flexmore.modeling.sweep import SweepModel
from flexmore.modeling.weights import ExpertWeights

__all__ = ["ExpertWeights", "FlexMoREConfig", "FlexMoREForCausalLM", "FlexMoREModel", "SweepModel", "load"]
