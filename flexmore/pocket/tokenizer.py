"""The pocket family's tokenizer: every word is one token."""

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from transformers import PreTrainedTokenizerFast

from flexmore.pocket.vocabulary import EOS, PAD, UNKNOWN, vocabulary


def build_tokenizer(max_length: int) -> PreTrainedTokenizerFast:
    """Return the tokenizer, which `AutoTokenizer` loads again after `save_pretrained`; it adds no special tokens."""
    ids = {word: index for index, word in enumerate(vocabulary())}
    tokenizer = Tokenizer(WordLevel(ids, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )
