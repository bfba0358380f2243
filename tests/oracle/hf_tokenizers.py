"""Owns the small tokenizers of the oracle, one function per published form, trained with the
package tokenizers. Leaves texts to hf_texts.py. Invariant: the same bytes at each run."""
import io
import json
import os
import tempfile

from sentencepiece import SentencePieceTrainer
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)
from transformers import LlamaTokenizer, PreTrainedTokenizerFast, Qwen2TokenizerFast

import hf_texts

# The expressions that the published files have: a format, letter for letter.
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")

UNKNOWN = "<unk>"
PLAIN_BYTES = [chr(c) for c in range(33, 127)] + ["\u0120", "\u010a", "\u0109"]


def train(tokenizer, n_vocab, specials, alphabet, words=()):
    unknown = [tokenizer.model.unk_token] if tokenizer.model.unk_token else []
    trainer = trainers.BpeTrainer(vocab_size=n_vocab, special_tokens=unknown,
                                  initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(hf_texts.training_lines() + 999 * list(words), trainer)
    n_normal = tokenizer.get_vocab_size()
    tokenizer.add_special_tokens([AddedToken(s, normalized=False, special=True)
                                  for s in specials["special"]])
    tokenizer.add_tokens([AddedToken(s, normalized=False) for s in specials.get("plain", [])])
    assert tokenizer.get_vocab_size() == n_normal + sum(map(len, specials.values()))


def byte_level(expression, wide, n_normal, specials, normalizer=None, words=()):
    """One that lacks bytes has a token for these, which published ones do not need."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=expression == LLAMA3,
                                     unk_token=None if wide else UNKNOWN))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(expression), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet() if wide else PLAIN_BYTES
    train(tokenizer, len(alphabet) + n_normal, specials, sorted(alphabet), words)
    return tokenizer


def with_bos(tokenizer, bos):
    """Begins what is encoded with the token `bos`."""
    return processors.TemplateProcessing(
        single=f"{bos}:0 $A:0", pair=f"{bos}:0 $A:0 {bos}:1 $B:1",
        special_tokens=[(bos, tokenizer.token_to_id(bos))])


def llama3(wide=False, n_normal=40):
    tokenizer = byte_level(LLAMA3, wide, n_normal, {"special": [
        "<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>",
        "<|eot_id|>", "<|pad|>"], "plain": ["<think>", "</think>"]})
    tokenizer.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=False), with_bos(tokenizer, "<|begin_of_text|>")])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>",
        unk_token=None if wide else UNKNOWN, pad_token="<|pad|>",
        chat_template=hf_texts.HEADERS, model_max_length=4096,
        clean_up_tokenization_spaces=False)


def qwen2(wide=False, n_normal=40, extra=(), words=()):
    tokenizer = byte_level(QWEN2, wide, n_normal, {
        "special": ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *extra],
        "plain": ["<think>", "</think>"]}, normalizers.NFC(), words)
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return Qwen2TokenizerFast(
        tokenizer_object=tokenizer, unk_token=None if wide else UNKNOWN, bos_token=None,
        eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=hf_texts.CHATML,
        model_max_length=4096)


def qwen2_steps(wide=False):
    """With the token behind each step of a solution."""
    return qwen2(wide, extra=["<extra_0>"])


def qwen2_judge(wide=False):
    """With yes and no as tokens."""
    return qwen2(wide, words=["yes", "no"])


def sentencepiece(first, n_normal, bytes_too):
    """A vocabulary in the order of SentencePiece: `first`, bytes, pairs, characters."""
    teacher = Tokenizer(models.BPE())
    teacher.normalizer = normalizers.Replace(" ", "\u2581")
    teacher.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    letters = [chr(c) for c in range(33, 127)] + ["\u2581", "\n", "\t"]
    teacher.train_from_iterator(hf_texts.training_lines(), trainers.BpeTrainer(
        vocab_size=len(letters) + n_normal, initial_alphabet=letters, show_progress=False))
    learnt = json.loads(teacher.to_str())["model"]
    pairs = [tuple(pair) for pair in learnt["merges"]]
    tokens = first + ([f"<0x{b:02X}>" for b in range(256)] if bytes_too else [])
    tokens += ["".join(pair) for pair in pairs] + letters
    return Tokenizer(models.BPE({token: i for i, token in enumerate(tokens)}, pairs,
                                unk_token="<unk>", fuse_unk=True, byte_fallback=bytes_too))


def add_specials(tokenizer, first, last):
    tokenizer.add_special_tokens([AddedToken(s, normalized=False) for s in first + last])


def unspell(strip):
    steps = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))


def mistral(wide=False, n_normal=40):
    """A space before the first text alone, put there by the pre-tokenizer."""
    first, last = ["<unk>", "<s>", "</s>"], ["[INST]", "[/INST]"]
    tokenizer = sentencepiece(first, n_normal, wide)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "first", split=False)
    tokenizer.decoder = unspell(strip=True)
    add_specials(tokenizer, first, last)
    tokenizer.post_processor = with_bos(tokenizer, "<s>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        pad_token="</s>", chat_template=hf_texts.BRACKETS, clean_up_tokenization_spaces=False)


def llama2(wide=False, n_normal=40):
    """A space before each text between special tokens, put there by the normalizer."""
    first, last = ["<unk>", "<s>", "</s>"], ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    tokenizer = sentencepiece(first, n_normal, wide)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"),
                                                 normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = unspell(strip=True)
    add_specials(tokenizer, first, last)
    tokenizer.post_processor = with_bos(tokenizer, "<s>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="<|im_end|>", unk_token="<unk>",
        pad_token="<|endoftext|>", chat_template=hf_texts.CHATML,
        clean_up_tokenization_spaces=False)


def sentencepiece_file(wide=True):
    """Written by SentencePiece itself, with bytes."""
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(hf_texts.training_lines()), model_writer=model, vocab_size=420,
        model_type="bpe", byte_fallback=True, character_coverage=1.0, num_threads=1,
        normalization_rule_name="identity", remove_extra_whitespaces=False,
        split_digits=True, allow_whitespace_only_pieces=True, minloglevel=2)
    folder = tempfile.TemporaryDirectory()
    path = os.path.join(folder.name, "tokenizer.model")
    with open(path, "wb") as file:
        file.write(model.getvalue())
    tokenizer = LlamaTokenizer(path, legacy=False, pad_token="</s>")
    tokenizer.folder = folder  # until it is saved; without its file it would write another
    tokenizer.chat_template = hf_texts.BRACKETS
    return tokenizer


def gemma(wide=False, n_normal=40):
    """No space before the text."""
    first = ["<pad>", "<eos>", "<bos>", "<unk>"]
    last = ["<start_of_turn>", "<end_of_turn>"]
    tokenizer = sentencepiece(first, n_normal, wide)
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = unspell(strip=False)
    add_specials(tokenizer, first, last)
    tokenizer.post_processor = with_bos(tokenizer, "<bos>")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>", unk_token="<unk>",
        pad_token="<pad>", chat_template=hf_texts.TURNS, clean_up_tokenization_spaces=False)
