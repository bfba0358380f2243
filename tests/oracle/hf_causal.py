"""Owns the table of causal models: one row a folder. Leaves drawing and asking to
hf_reference.py. Invariant: a row says everything in which its folder differs from others."""
import copy
import os
from collections import namedtuple

import torch
import transformers

import hf_reference
import hf_tokenizers

BF16, F16, F32 = torch.bfloat16, torch.float16, torch.float32

# name, class, dtype on disk, tokenizer, whether it knows all bytes, fields of the config;
# more: arguments of fill and save_pretrained, fields of config.json to be as
# published files have them (None: taken out), length of a second text, whether pairs of the
# tokenizer are one string each, as they were before tokenizers 0.20, who tokenizes.
Row = namedtuple("Row", "name kind dtype tokenizer wide config more", defaults=[{}])

ROPE_LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                   original_max_position_embeddings=16)
ROPE_YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=32)
ROPE_LONG = dict(type="longrope", short_factor=[1.0, 1.05, 1.1, 1.3, 1.5, 2.0],
                 long_factor=[1.0, 1.4, 2.0, 3.5, 5.0, 7.0])
SMALL = dict(num_attention_heads=2, num_key_value_heads=1, intermediate_size=32)

LLAMA3, QWEN2, MISTRAL, LLAMA2, GEMMA = "llama3", "qwen2", "mistral", "llama2", "gemma"
TIED = dict(tie_word_embeddings=True)
GEMMA_LIKE = dict(fill=dict(centre=0.0))  # its norms add 1 themselves

ROWS = [
    Row("llama", "Llama", BF16, LLAMA3, True,
        dict(rope_theta=500000.0, rope_scaling=ROPE_LLAMA3, intermediate_size=32),
        dict(old_merges=True)),
    # Older files say neither head_dim nor bias.
    Row("llama-sharded", "Llama", F16, LLAMA3, False, dict(**TIED, **SMALL),
        dict(edit=dict(head_dim=None, attention_bias=None, mlp_bias=None),
             save=dict(max_shard_size="12KB"), save_tokenizer=dict(save_jinja_files=False))),
    # Published files name a window that use_sliding_window switches off.
    Row("qwen2", "Qwen2", BF16, QWEN2, True, dict(rope_theta=1000000.0, **TIED),
        dict(edit=dict(sliding_window=4, max_window_layers=2, layer_types=None, dtype=None,
                       torch_dtype="bfloat16"), old_merges=True)),
    Row("qwen2-yarn", "Qwen2", BF16, QWEN2, False,
        dict(rope_scaling=ROPE_YARN, **TIED, **SMALL),
        dict(edit=dict(rope_scaling=dict(type="yarn", factor=4.0,
                                         original_max_position_embeddings=32)))),
    Row("qwen3", "Qwen3", F32, QWEN2, False, dict(**TIED, **SMALL)),
    Row("mistral", "Mistral", BF16, MISTRAL, True, dict(sliding_window=None, **TIED, **SMALL),
        dict(old_merges=True)),
    Row("mistral-window", "Mistral", F16, LLAMA2, False,
        dict(sliding_window=8, rms_norm_eps=0.01, **SMALL)),
    Row("gemma", "Gemma", BF16, GEMMA, False, dict(**TIED, **SMALL), GEMMA_LIKE),
    Row("gemma2", "Gemma2", BF16, GEMMA, False,
        dict(num_hidden_layers=3, sliding_window=8, query_pre_attn_scalar=24,
             attn_logit_softcapping=3.0, final_logit_softcapping=6.0, **TIED, **SMALL),
        dict(edit=dict(layer_types=None), **GEMMA_LIKE)),
    Row("gemma3", "Gemma3", BF16, GEMMA, False,
        dict(num_hidden_layers=6, sliding_window=8, query_pre_attn_scalar=24,
             rope_theta=1000000.0, rope_local_base_freq=10000.0,
             rope_scaling=dict(rope_type="linear", factor=8.0), **TIED, **SMALL),
        dict(edit=dict(layer_types=None, _sliding_window_pattern=None,
                       sliding_window_pattern=6), **GEMMA_LIKE)),
    Row("phi3", "Phi3", BF16, LLAMA2, False, dict(sliding_window=9, **SMALL)),
    Row("phi3-longrope", "Phi3", BF16, QWEN2, False,
        dict(original_max_position_embeddings=32, partial_rotary_factor=0.75,
             rope_scaling=ROPE_LONG, **TIED, **SMALL), dict(n_long=40)),
    Row("granite", "Granite", BF16, QWEN2, False,
        dict(embedding_multiplier=3.0, residual_multiplier=0.5, attention_multiplier=0.2,
             logits_scaling=2.0, **TIED, **SMALL)),
    Row("olmo2", "Olmo2", BF16, LLAMA3, False, dict(**TIED, **SMALL)),
    Row("olmo3", "Olmo3", F16, QWEN2, False,
        dict(num_hidden_layers=4, sliding_window=8, rope_theta=500000.0, rope_scaling=ROPE_YARN,
             **TIED, **SMALL)),  # with another base release 5 gives windows the default one
    Row("smollm3", "SmolLM3", BF16, LLAMA3, False,
        dict(num_hidden_layers=4, rope_theta=2000000.0, **TIED, **SMALL)),
    Row("glm4", "Glm4", BF16, QWEN2, False,
        dict(attention_bias=True, partial_rotary_factor=0.5, **TIED, **SMALL)),
    Row("seed_oss", "SeedOss", F16, QWEN2, False,
        dict(attention_out_bias=False, **TIED, **SMALL)),
]

N_TOKENS, N_ROWS = 24, 8

# A tokenizer of which there is the SentencePiece file alone. Ids are SentencePiece's own; what
# Transformers converts such files to has no space before a text that begins with one.
ONCE = [Row("llama-sentencepiece", "Llama", F16, "sentencepiece_file", True,
            dict(num_hidden_layers=1, **TIED, **SMALL), dict(fast=False))]

COMMON = dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, head_dim=16, max_position_embeddings=128,
              rope_theta=10000.0, tie_word_embeddings=False, rms_norm_eps=1e-5)


def class_of(name, known):
    return known[name] if name in known else getattr(transformers, name)


def make_config(row, tokenizer, config_class):
    ids = dict(bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
               pad_token_id=tokenizer.pad_token_id)
    fields = {**COMMON, **ids, "vocab_size": len(tokenizer), **row.config}
    return config_class(**copy.deepcopy(fields))  # some classes write into what they are given


def write(row, folder, suffix="ForCausalLM", known={}):
    """Writes model and tokenizer; classes that Transformers does not have are in `known`."""
    tokenizer = getattr(hf_tokenizers, row.tokenizer)(wide=row.wide)
    model_class = class_of(row.kind + suffix, known)
    model = model_class(make_config(row, tokenizer, model_class.config_class))
    hf_reference.fill(model, row.name, **row.more.get("fill", {}))
    model.to(row.dtype).save_pretrained(folder, **row.more.get("save", {}))
    tokenizer.save_pretrained(folder, **row.more.get("save_tokenizer", {}))
    if row.more.get("old_merges"):
        hf_reference.join_merges(os.path.join(folder, "tokenizer.json"))
    if "edit" in row.more:
        hf_reference.edit_json(os.path.join(folder, "config.json"), row.more["edit"])
    return model_class, len(tokenizer)


def load_of(model_class, folder):
    return lambda dtype: model_class.from_pretrained(folder, dtype=dtype,
                                                     attn_implementation="eager")


def logits_of(row, model_class, folder, n_vocab, n_tokens):
    tokens = hf_reference.some_tokens(row.name, n_vocab, n_tokens)
    logits = hf_reference.run(load_of(model_class, folder), row.name,
                              lambda model: model(tokens).logits[0])
    rows = list(range(1, n_tokens, 2))[-N_ROWS:]
    return dict(tokens=tokens[0], rows=rows, logits=logits[rows])


def make(row, root):
    folder = hf_reference.fresh(root, row.name)
    model_class, n_vocab = write(row, folder)
    answers = logits_of(row, model_class, folder, n_vocab, N_TOKENS)
    if "n_long" in row.more:
        longer = logits_of(row, model_class, folder, n_vocab, row.more["n_long"])
        answers.update({"long_" + key: value for key, value in longer.items()})
    texts = hf_reference.of_texts(folder, row.wide, row.more.get("fast", True))
    hf_reference.save(folder, **answers, **texts)
