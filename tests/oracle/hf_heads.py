"""Owns the models with heads: rewards per answer, per token, per step, and yes or no. Leaves
drawing and asking to hf_reference.py. Invariant: every output is of one text run by itself, and
texts run together, padded, get the same."""
import torch
from torch import nn
from transformers import AutoTokenizer, Qwen2Model, Qwen2PreTrainedModel
from transformers.modeling_outputs import TokenClassifierOutput

import hf_causal
import hf_reference
import hf_texts
from hf_causal import BF16, F16, F32, GEMMA, GEMMA_LIKE, LLAMA2, LLAMA3, MISTRAL, QWEN2, SMALL, Row

# --- remote code -------------------------------------------------------------------------
# Published math reward models come with classes of their own. These have their tensors and do
# what they are described to do: two linear maps on every token's last state.


class TwoLayerHead(Qwen2PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.model = Qwen2Model(config)
        width = config.hidden_size
        self.score = nn.Sequential(nn.Linear(width, width), nn.ReLU(),
                                   nn.Linear(width, config.num_labels))
        self.post_init()

    def forward(self, input_ids, attention_mask=None):
        states = self.model(input_ids, attention_mask=attention_mask).last_hidden_state
        return TokenClassifierOutput(logits=self.score(states))


class Qwen2ForRewardModel(TwoLayerHead):
    pass


class Qwen2ForProcessRewardModel(TwoLayerHead):
    pass


REMOTE = {"Qwen2ForRewardModel": Qwen2ForRewardModel,
          "Qwen2ForProcessRewardModel": Qwen2ForProcessRewardModel}

# --- the tables --------------------------------------------------------------------------


def labels(n, **config):
    return dict(num_labels=n, **SMALL, **config)


ONE = dict(num_hidden_layers=1)

SEQUENCE = [
    Row("llama-reward", "Llama", BF16, LLAMA3, False, labels(1)),
    Row("llama-labels", "Llama", F16, LLAMA3, False, labels(3, **ONE)),
    Row("qwen2-reward", "Qwen2", BF16, QWEN2, False, labels(1)),
    Row("qwen3-reward", "Qwen3", BF16, QWEN2, False, labels(1, **ONE)),
    Row("qwen3-labels", "Qwen3", F32, QWEN2, False, labels(2, **ONE)),
    Row("mistral-reward", "Mistral", F16, MISTRAL, False, labels(1, sliding_window=None, **ONE)),
    Row("gemma2-reward", "Gemma2", BF16, GEMMA, False,
        labels(1, sliding_window=8, query_pre_attn_scalar=24), GEMMA_LIKE),
    Row("phi3-reward", "Phi3", BF16, LLAMA2, False, labels(1, **ONE)),
]
TOKENS = [
    Row("qwen2-tokens", "Qwen2", BF16, QWEN2, False, labels(2, classifier_dropout=0.1, **ONE)),
    Row("llama-tokens", "Llama", BF16, LLAMA3, False, labels(3, **ONE)),
]
MATH = [
    Row("qwen2-math-reward", "Qwen2ForRewardModel", BF16, QWEN2, False, labels(1),
        dict(edit=dict(auto_map=dict(AutoModel="modeling_qwen2_rm.Qwen2ForRewardModel")))),
]
PROCESS = [
    Row("qwen2-math-process", "Qwen2ForProcessRewardModel", BF16, "qwen2_steps", False, labels(2),
        dict(edit=dict(auto_map=dict(AutoModel="modeling_qwen2_rm.Qwen2ForProcessRewardModel")))),
]
JUDGE = [
    Row("qwen3-reranker", "Qwen3", BF16, "qwen2_judge", False,
        dict(tie_word_embeddings=True, **SMALL), dict(fill=dict(embed=0.1))),
]

# --- texts -------------------------------------------------------------------------------


def turns(prompt, response):
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]


def conversations(tokenizer):
    """Every answer in its conversation, prompt by prompt."""
    return [tokenizer.apply_chat_template(turns(prompt, response), tokenize=False)
            for prompt, responses in hf_texts.CONVERSATIONS for response in responses]


def solutions(tokenizer):
    """Every solution in its conversation, the step token behind each of its steps."""
    return [tokenizer.apply_chat_template(turns(p, "".join(step + "<extra_0>" for step in steps)),
                                          tokenize=False) for p, steps in hf_texts.STEPS]


def questions(tokenizer):
    """Whether the answer fits the prompt, asked of a judge that does not think."""
    ask = "<Query>: {}\n<Document>: {}"
    return [tokenizer.apply_chat_template(
        [{"role": "system", "content": "Does the document answer the query? Say yes or no."},
         {"role": "user", "content": ask.format(prompt, response)}], tokenize=False,
        add_generation_prompt=True, enable_thinking=False)
        for prompt, responses in hf_texts.CONVERSATIONS for response in responses]


def best_first(scores):
    """The numbers of each prompt's answers, best first."""
    orders, at = [], 0
    for _, responses in hf_texts.CONVERSATIONS:
        part = scores[at:at + len(responses)]
        orders += sorted(range(len(responses)), key=lambda i: -part[i])
        at += len(responses)
    return orders

# --- asking ------------------------------------------------------------------------------


def rows_at(output, places):
    """Classes for sequences have picked one token themselves."""
    return output[None] if output.dim() == 1 else output[places]


def head_at(model, ids, place):
    """What a class for sequences would say had it picked the token at `place`."""
    return model.score(model.model(torch.tensor([ids])).last_hidden_state[0, place:place + 1])


def ask_all(ids, places, pad):
    """The outputs at each text's places, in rows; padded texts are compared."""
    width = max(map(len, ids))
    batch = torch.tensor([one + [pad] * (width - len(one)) for one in ids])
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids])

    def ask(model):
        alone = [rows_at(model(torch.tensor([one])).logits[0], at)
                 for one, at in zip(ids, places)]
        together = model(batch, attention_mask=mask).logits
        padded = [rows_at(rows, at) for rows, at in zip(together, places)]
        if together.dim() == 2:
            picked = [head_at(model, one, at[0]) for one, at in zip(ids, places)]
            hf_reference.agree("place", torch.cat(picked), torch.cat(alone))
        hf_reference.agree("padded", torch.cat(padded), torch.cat(alone))
        return torch.cat(alone)
    return ask


def make_with(row, root, suffix, texts_of, places_of, extra):
    """A folder; places_of(tokenizer, ids) are those whose outputs are kept."""
    folder = hf_reference.fresh(root, row.name)
    model_class, _ = hf_causal.write(row, folder, suffix, REMOTE)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    texts = texts_of(tokenizer)
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    places = [places_of(tokenizer, one) for one in ids]
    outputs = hf_reference.run(hf_causal.load_of(model_class, folder), row.name,
                               ask_all(ids, places, tokenizer.pad_token_id))
    flat, ends = hf_reference.joined(ids)
    at, at_ends = hf_reference.joined(places)
    text, text_ends = hf_reference.joined([hf_reference.as_bytes(one) for one in texts])
    arrays = dict(text=text, text_ends=text_ends, ids=flat, ends=ends, at=at, at_ends=at_ends,
                  outputs=outputs)
    hf_reference.save(folder, **{**arrays, **extra(tokenizer, outputs)})


def last(tokenizer, ids):
    return [len(ids) - 1]


def last_unpadded(tokenizer, ids):
    """As the classes do it: where padding and end of turn are one token, not at the end."""
    return [max(i for i, one in enumerate(ids) if one != tokenizer.pad_token_id)]


def everywhere(tokenizer, ids):
    return list(range(len(ids)))


def at_steps(tokenizer, ids):
    tag = tokenizer.convert_tokens_to_ids("<extra_0>")
    return [i for i, one in enumerate(ids) if one == tag]


def order_by_first(tokenizer, outputs):
    return dict(order=best_first(outputs[:, 0].tolist()))


def make_sequence(row, root):
    make_with(row, root, "ForSequenceClassification", conversations, last_unpadded,
              order_by_first)


def make_tokens(row, root):
    make_with(row, root, "ForTokenClassification", conversations, everywhere, lambda *_: {})


def make_math(row, root):
    make_with(row, root, "", conversations, last_unpadded, order_by_first)


def make_process(row, root):
    def chances(tokenizer, outputs):
        return dict(scores=outputs.softmax(-1)[:, 1],
                    tag=[tokenizer.convert_tokens_to_ids("<extra_0>")])
    make_with(row, root, "", solutions, at_steps, chances)


def make_judge(row, root):
    def chances(tokenizer, outputs):
        words = tokenizer.convert_tokens_to_ids(["yes", "no"])
        assert tokenizer("yes no")["input_ids"][0] == words[0] and None not in words
        scores = outputs[:, words].softmax(-1)[:, 0]
        return dict(outputs=outputs[:, words], scores=scores, words=words,
                    order=best_first(scores.tolist()))
    make_with(row, root, "ForCausalLM", questions, last, chances)
