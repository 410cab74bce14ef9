"""Python code after which nothing of the extra `models` can be imported, as where it is not installed."""

WITHOUT_TORCH = """
import sys

class NotInstalled:
    def find_spec(name, *_):
        if name.partition(".")[0] in (
            "accelerate", "datasets", "huggingface_hub", "lm_eval", "safetensors", "tokenizers", "torch", "transformers"
        ):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NotInstalled)
"""
