/**
 * @file reason.h
 * libreason: run, judge, compress and train reasoning language models on CPUs.
 *
 * A model that reasons thinks between two tags, `<think> ... </think>`, before it
 * answers. libreason keeps that thinking inside a budget, labels every token, and says
 * why it ended.
 *
 * The whole of a first use:
 *
 *     reason_model *model;
 *     reason_session *session;
 *     reason_result *result;
 *     reason_request request;
 *     if (reason_model_open("model.gguf", NULL, &model)) return
 * puts(reason_last_error()); reason_session_new(model, NULL, &session);
 *     reason_request_init(&request, sizeof request);
 *     request.prompt = "What is 37 * 24?";
 *     if (reason_generate(session, &request, &result) == REASON_OK)
 *         puts(reason_result_answer(result, NULL));
 *     reason_result_free(result);
 *     reason_session_free(session);
 *     reason_model_free(model);
 *
 * Conventions, true for every function unless its comment says otherwise:
 *
 * - A function that can fail returns a ::reason_status; outputs are the last parameters
 * and are set to NULL, 0 or NaN on failure. reason_last_error() then says what was found
 * and allowed.
 * - A handle received through a pointer to a pointer is the caller's, and is given back
 * to the matching `_free`. A returned `const` pointer is borrowed; the comment says until
 * when. Every `_free` accepts NULL.
 * - A required pointer that is NULL is #REASON_ERR_INVALID_ARG.
 * - Text in is UTF-8 as pointer and length in bytes; a length of -1 means NUL-terminated.
 *   Paths are NUL-terminated UTF-8. Text out is UTF-8 and NUL-terminated beside its
 * length.
 * - A struct of options starts with its own size. Fill it with its `_init` function, then
 * set what differs; later versions only append fields. NULL for options means all
 * defaults.
 * - ::reason_model and ::reason_cancel_token may be used by many threads at once.
 *   ::reason_session is for one thread at a time; a second caller gets #REASON_ERR_BUSY,
 *   but for reason_cancel(), reason_submit(), reason_withdraw() and reason_pending().
 *   ::reason_result is read-only and may be read by many threads.
 */
#ifndef REASON_REASON_H
#define REASON_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "reason/version.h"

#ifndef REASON_API
#if defined(__GNUC__)
#define REASON_API __attribute__((visibility("default")))
#else
#define REASON_API
#endif
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---------------------------------------------------------------------------------------
 * Version and status. No owner, any thread.
 */

/** The version of the library in use, such as "0.1.0"; it may differ from
 * #REASON_VERSION. */
REASON_API const char *reason_version(void);

/** What a call can end with. Values are part of the ABI. */
typedef enum reason_status {
    REASON_OK = 0, /**< done */
    REASON_ERR_INVALID_ARG =
        -1, /**< an argument is missing, out of range or contradicts another */
    REASON_ERR_NO_MEMORY = -2,    /**< the allocator, or a stated memory limit, refused */
    REASON_ERR_IO = -3,           /**< the system refused to open, read, map or write */
    REASON_ERR_FORMAT = -4,       /**< a file, prompt or template is damaged */
    REASON_ERR_UNSUPPORTED = -5,  /**< sound, but nothing this version handles */
    REASON_ERR_LIMIT = -6,        /**< beyond a limit that the message names */
    REASON_ERR_CONTEXT_FULL = -7, /**< the text does not fit the session's context */
    REASON_ERR_BUSY = -8,         /**< another thread is inside this session */
    REASON_ERR_CANCELLED =
        -9, /**< stopped by a cancel token, reason_cancel() or a callback */
    REASON_ERR_MISMATCH = -10, /**< the model cannot do what the request asks */
    REASON_ERR_TEMPLATE = -11, /**< the chat template itself raised an error */
    REASON_ERR_INTERNAL = -12  /**< a defect of the library */
} reason_status;

/** The name of a status, such as "REASON_ERR_FORMAT"; "unknown status" for other numbers.
 */
REASON_API const char *reason_status_name(reason_status status);

/**
 * One sentence about this thread's last failed call: the thing, where, what was found and
 * what is allowed. Never NULL; empty before the first failure. Valid until this thread's
 * next call into the library. A call that succeeds does not clear it.
 */
REASON_API const char *reason_last_error(void);

/* ---------------------------------------------------------------------------------------
 * Process-wide settings. Set them before any other call; they are not locked.
 */

/** How serious a log line is. */
typedef enum reason_log_level {
    REASON_LOG_DEBUG = 0,
    REASON_LOG_INFO = 1,
    REASON_LOG_WARNING = 2
} reason_log_level;

/** Receives one log line without a newline. May be called from any thread of the library.
 */
typedef void (*reason_log_fn)(void *user, reason_log_level level, const char *line);

/** Sends log lines to `fn`; NULL (the start) drops them. The library prints nothing
 * itself. */
REASON_API void reason_set_log(reason_log_fn fn, void *user);

/** Where the library takes its memory. All three functions must be given, and be thread
 * safe. */
typedef struct reason_allocator {
    size_t size;                                        /**< sizeof(reason_allocator) */
    void *(*alloc)(void *user, size_t n_bytes);         /**< as malloc; n_bytes > 0 */
    void *(*resize)(void *user, void *p, size_t n_bytes); /**< as realloc; n_bytes > 0 */
    void (*release)(void *user, void *p);               /**< as free; p is never NULL */
    void *user;                                         /**< handed to each of them */
} reason_allocator;

/**
 * Replaces malloc, realloc and free for everything the library allocates afterwards. NULL
 * puts them back. Memory must be released by the allocator that gave it, so change it
 * only while no handle lives. Returns INVALID_ARG.
 */
REASON_API reason_status reason_set_allocator(const reason_allocator *allocator);

/** Gives back memory that a function of this header allocated for the caller. NULL is
 * fine. */
REASON_API void reason_free(void *p);

/* ---------------------------------------------------------------------------------------
 * Cancel and progress.
 */

/** A flag that stops running calls. May be shared by any number of calls and threads. */
typedef struct reason_cancel_token reason_cancel_token;

/** A new token, not set. Returns NO_MEMORY, INVALID_ARG. */
REASON_API reason_status reason_cancel_token_new(reason_cancel_token **token);
/** Sets the token: every call that was given it stops soon, later calls at once. One
 * atomic store, safe in a signal handler; NULL does nothing. */
REASON_API void reason_cancel_token_set(reason_cancel_token *token);
/** Takes the set mark off again. */
REASON_API void reason_cancel_token_reset(reason_cancel_token *token);
/** Whether the token is set; false for NULL. */
REASON_API bool reason_cancel_token_is_set(const reason_cancel_token *token);
/** Frees the token. No running call may still hold it. */
REASON_API void reason_cancel_token_free(reason_cancel_token *token);

/** Told of progress: `done` of `total` units of the named stage ("load", "prefill",
 * "generate", "judge", "score", "quantize", "verify", "export", "perplexity", "imatrix"). A result other than 0 stops
 * the call, which then ends as if cancelled. */
typedef int (*reason_progress_fn)(void *user, const char *stage, uint64_t done,
                                  uint64_t total);

/* ---------------------------------------------------------------------------------------
 * Threads.
 */

/** A pool of threads that several sessions may share; their calls then take turns. A callback
 *  must not call into another session of the same pool: it would wait for itself. */
typedef struct reason_pool reason_pool;

/** A pool of `n_threads` workers, the caller included; 0 means the default, which is what
 * the process may use: max(1, min(affinity mask, cgroup quota rounded down, cores)).
 * Threads start at first use. Returns INVALID_ARG (negative, more than 1024), NO_MEMORY.
 */
REASON_API reason_status reason_pool_new(int32_t n_threads, reason_pool **pool);
/** Frees the pool when the last session that uses it is gone. */
REASON_API void reason_pool_free(reason_pool *pool);

/* ---------------------------------------------------------------------------------------
 * Models. A model is immutable, counted by reference and shared by threads. Sessions hold
 * a reference: freeing a model that has sessions takes effect when the last of them goes.
 */

/** A loaded model: vocabulary, chat template, and weights unless the file has none. */
typedef struct reason_model reason_model;

/** How tensor data gets into memory. Where the instruction set has kernels for them, weights
 * in blocks are then put into the order that those read, which changes no bit: from a
 * mapping into memory of their own, for which the mapping's pages are given back, or where
 * they were read to. Either way they are held once. */
typedef enum reason_load {
    REASON_LOAD_MAP = 0, /**< map the file; it must not change while the model lives */
    REASON_LOAD_COPY = 1 /**< read it; the file may change or vanish afterwards */
} reason_load;

/** The highest instruction set a model may use. A level the CPU lacks is never run: the next
 * lower one is, #REASON_CPU_GENERIC if the level is of another kind of CPU. */
typedef enum reason_cpu {
    REASON_CPU_AUTO =
        0, /**< the best this CPU has, at most what REASON_CPU in the environment says */
    REASON_CPU_GENERIC = 1,
    REASON_CPU_AVX2 = 2,
    REASON_CPU_AVXVNNI = 3,
    REASON_CPU_AVX512 = 4, /**< F, BW, DQ, VL and VNNI */
    REASON_CPU_NEON = 5    /**< of 64-bit ARM, with dot products */
} reason_cpu;

/** How ternary weights of type I2_S lie in a file; nothing in it tells. */
typedef enum reason_i2_s {
    REASON_I2_S_A = 0, /**< blocks of 128: what x86 builds and converters write */
    REASON_I2_S_B = 1  /**< blocks of 64: what ARM builds of the same program write */
} reason_i2_s;

/** Options of reason_model_open(). */
typedef struct reason_model_options {
    size_t size;                  /**< sizeof(reason_model_options) */
    reason_load load;             /**< default #REASON_LOAD_MAP */
    reason_cpu cpu;               /**< default #REASON_CPU_AUTO */
    const char *data_dir; /**< folder of the shipped model; default NULL: look for it */
    reason_cancel_token *cancel;  /**< default NULL */
    reason_progress_fn progress;  /**< default NULL */
    void *progress_user;          /**< handed to `progress` */
    reason_i2_s i2_s;             /**< default #REASON_I2_S_A */
} reason_model_options;

/** Fills at most `size` bytes with defaults. Returns INVALID_ARG (NULL, size 0 or too
 * small). */
REASON_API reason_status reason_model_options_init(reason_model_options *options,
                                                   size_t size);

/**
 * Opens a GGUF file. A file without tensors opens as a vocabulary: it tokenizes and
 * renders templates, and sessions on it are a MISMATCH. Of a model that was split into
 * NAME-00001-of-00003.gguf and so on, the first part opens all, and another part is an
 * INVALID_ARG that names the first. Progress has two steps for each part and one more, so
 * `total` grows once when the first header tells how many parts there are.
 *
 * @param path   the file; NULL means the small model that ships with the library, looked
 * for in options->data_dir, beside the loaded library (../share/reason) and in the
 *               installed data folder, in this order
 * @param options NULL for defaults
 * @param model  receives the handle
 * @return INVALID_ARG, NO_MEMORY, IO, FORMAT, UNSUPPORTED, LIMIT, CANCELLED
 */
REASON_API reason_status reason_model_open(const char *path,
                                           const reason_model_options *options,
                                           reason_model **model);
/** Lets go of the model. */
REASON_API void reason_model_free(reason_model *model);

/**
 * A number about the model. Keys: "n_vocab", "n_layers", "n_embd", "n_heads",
 * "n_heads_kv", "head_dim", "n_ff", "context_length", "n_parameters", "weights_bytes",
 * "decode_bytes_per_token" (of weights read for one token), "kv_bytes_per_token" (F16
 * cache), "bos_token", "eos_token", "activation_bits" (8 or 4 where the architecture
 * rounds what its projections read, with one scale per token; else 0), "hadamard" (1: the
 * inputs of the two projections back to the residual stream are transformed),
 * "has_thinking" (0 or 1), "has_template", "has_weights", "has_logits" (0 for a model
 * that is a reward head only), "head_outputs" (0: no head), "head_step_token" (-1: none),
 * or the full name of an integer or boolean metadata entry of the file.
 * @return INVALID_ARG, MISMATCH (no such key, or it holds no whole number)
 */
REASON_API reason_status reason_model_get_int(const reason_model *model, const char *key,
                                              int64_t *value);
/** A fractional number of the file's metadata, by its full name. As
 * reason_model_get_int(). */
REASON_API reason_status reason_model_get_float(const reason_model *model,
                                                const char *key, double *value);
/**
 * A text about the model. Keys: "architecture", "path", "cpu" (the level in use),
 * "chat_template", those below, or the full name of a text entry of the file's metadata.
 *
 * - "think_family": the row of the table of families, "none" without tags;
 *   "think_source": "template", "vocabulary" or "vocabulary and template", where it was
 *   found; "think_open", "think_close": the tags
 * - "think_switch": the variable by which the chat template switches thinking;
 *   "think_effort": that which takes an effort; empty if it has none
 * - "think_opener": what mode ON forces; "think_closer": what is forced where the budget
 *   ends a block, up to the answer; "think_silence": what mode OFF forces where no
 *   variable does it
 * - "answer_marks": texts around the answer that are MARKUP, a space between them
 * - "end_tokens": the tokens that end a generation, a space between them
 * - "head": "none", or what a reward head gives: "reward", "labels", "steps", "tokens";
 *   "head_activation", "head_transform": see docs/FORMATS.md
 *
 * The text is borrowed until the model is freed; `n_bytes` may be NULL.
 */
REASON_API reason_status reason_model_get_text(const reason_model *model, const char *key,
                                               const char **text, size_t *n_bytes);
/** How many metadata entries the file has. 0 for NULL. */
REASON_API size_t reason_model_n_keys(const reason_model *model);
/** The name of metadata entry `index`, borrowed until the model is freed; NULL if out of
 * range. */
REASON_API const char *reason_model_key(const reason_model *model, size_t index);

/** What goes into the first layer for a token: fills row, [n_embd] float32. Returns
 * INVALID_ARG (an id outside the vocabulary), MISMATCH (a model without weights). */
REASON_API reason_status reason_model_embedding(const reason_model *model, int32_t token,
                                                float *row);

/**
 * An adapter: changes of low rank to the matrices of a model (LoRA, arXiv 2106.09685),
 * y = W x + scale * alpha / r * B (A x). Never changes, may be used by any number of
 * threads, and is kept alive by the models that were derived with it.
 */
typedef struct reason_adapter reason_adapter;

/**
 * Opens an adapter for a model: a GGUF file whose general.type is "adapter" and whose
 * adapter.type is "lora", or a folder as PEFT writes it, with adapter_config.json and
 * adapter_model.safetensors (docs/MODELS.md). All of it is read into memory; the files may
 * be gone afterwards. It may be used with other models of the same architecture and shapes.
 *
 * @param path the file or folder
 * @param adapter yours, reason_adapter_free()
 * @return MISMATCH (for another architecture, tensors that the model does not have or other
 * shapes; a model without weights), FORMAT (a damaged file, a factor without the other),
 * UNSUPPORTED (another kind of adapter, tensors beside factors), IO, LIMIT, NO_MEMORY,
 * INVALID_ARG (NULL)
 */
REASON_API reason_status reason_adapter_open(const reason_model *model, const char *path,
                                             reason_adapter **adapter);

/** Gives an adapter back; models that use it keep it. NULL is fine. */
REASON_API void reason_adapter_free(reason_adapter *adapter);

/** Options of reason_model_derive(). */
typedef struct reason_derive_options {
    size_t size;           /**< sizeof(reason_derive_options) */
    const int32_t *layers; /**< the layers of the model to run, [n_layers], from 0 on: some
                                left out, some several times, in any order (chain of layers,
                                arXiv 2507.07996); default NULL: all */
    size_t n_layers;       /**< 1 to 4096 */
    const float *control;  /**< [n_layers of the derived model, n_embd] float32: added to the
                                residual stream at every position, a row behind each of its
                                layers, 0 where nothing is (control vectors, arXiv
                                2507.04742); default NULL: nothing */
    reason_adapter *const *adapters; /**< [n_adapters], which add up; default NULL: none */
    const float *adapter_scales; /**< [n_adapters], what each is multiplied by beside its own
                                      scale; 0: it changes nothing; default NULL: 1 each */
    size_t n_adapters;           /**< 0 to 64; default 0 */
} reason_derive_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_derive_options_init(reason_derive_options *options,
                                                    size_t size);

/**
 * A model that runs another one's layers in another order, steered, or with adapters. It
 * shares the weights, of which it keeps the other one alive; sessions on it have keys and
 * values for its own layers. So a session with an adapter beside one without is a session
 * on a derived model, and costs the adapter's memory. What it is asked about itself is the
 * other's, but for "n_layers" and "kv_bytes_per_token". Its results are as reproducible as
 * the other's; with all layers in order, no control vectors and no adapters (or scales of
 * 0) they are the same, bit for bit. Adapters read activations as float32 also where the
 * weights' types round them. One derived from a model with adapters has these too.
 *
 * @return INVALID_ARG (a layer that there is not, a control vector or scale that is not
 * finite), MISMATCH (a model without weights, an adapter of other shapes), NO_MEMORY
 */
REASON_API reason_status reason_model_derive(reason_model *model,
                                             const reason_derive_options *options,
                                             reason_model **derived);

/* ---------------------------------------------------------------------------------------
 * Text and tokens.
 */

/** Bits for reason_tokenize() and reason_detokenize(). */
enum {
    REASON_TOKENS_SPECIAL = 1, /**< tokenize: spellings of special tokens become those
                                  tokens; detokenize: special tokens are spelt out */
    REASON_TOKENS_BOS_EOS =
        2 /**< tokenize: add begin and end of text as the model wants them */
};

/**
 * Splits text into token ids. Invalid UTF-8 is taken byte by byte. Every byte string goes
 * through, and reason_detokenize() with the same flags gives it back unchanged (beside a
 * begin and end of text that were added), unless the model's own vocabulary loses it: one
 * of SentencePiece's that has no token for a character or byte (it becomes the unknown
 * token), or that normalizes text.
 *
 * Models that want a space before a text (`tokenizer.ggml.add_space_prefix`) get it at
 * the start and behind each special token; reason_detokenize() takes it off there.
 *
 * @param text    may be NULL if n_bytes is 0
 * @param n_bytes length, or -1 if NUL-terminated
 * @param flags   REASON_TOKENS_ bits
 * @param ids     receives an array of *n_ids ids, to be given to reason_free()
 * @return INVALID_ARG, NO_MEMORY, UNSUPPORTED (the model has no tokenizer)
 */
REASON_API reason_status reason_tokenize(const reason_model *model, const char *text,
                                         int64_t n_bytes, uint32_t flags, int32_t **ids,
                                         size_t *n_ids);
/**
 * The bytes of a list of tokens. They are the tokens' bytes exactly, so a list cut inside
 * a character gives incomplete UTF-8. A NUL follows them. Only for models that want a
 * space before a text, one space is taken off at the start and behind each special token,
 * if it is there.
 *
 * @param text receives *n_bytes bytes, to be given to reason_free()
 * @return INVALID_ARG (an id outside the vocabulary), NO_MEMORY, UNSUPPORTED
 */
REASON_API reason_status reason_detokenize(const reason_model *model, const int32_t *ids,
                                           size_t n_ids, uint32_t flags, char **text,
                                           size_t *n_bytes);

/** One turn of a conversation. Text is borrowed during the call. */
typedef struct reason_message {
    size_t size;           /**< sizeof(reason_message) */
    const char *role;      /**< "system", "user", "assistant", "tool", ... */
    const char *content;   /**< NUL-terminated */
    const char *reasoning; /**< the turn's thinking, given to the template as
                                `reasoning_content`; default NULL: none */
} reason_message;

/** Fills a message with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_message_init(reason_message *message, size_t size);

/** What reason_template_render() renders. One of `messages` and `messages_json` is given.
 */
typedef struct reason_template_request {
    size_t size;                           /**< sizeof(reason_template_request) */
    const reason_message *const *messages; /**< the conversation, oldest first */
    size_t n_messages;                     /**< length of `messages` */
    const char *messages_json;  /**< or the same as a JSON array of objects, which may
                                     hold what the struct does not (tool calls) */
    const char *variables_json; /**< a JSON object of template variables, such as `tools`
                                   or `enable_thinking`; wins over the defaults bos_token,
                                     eos_token and add_generation_prompt (true) */
    const char *template_text;  /**< Jinja source; default NULL: the model's own */
    const char *now; /**< the clock that `strftime_now` reads, as "2026-01-02T03:04:05";
                        default NULL: this machine's local time */
} reason_template_request;

/** Fills a request with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_template_request_init(reason_template_request *request,
                                                      size_t size);

/**
 * Renders a conversation into the prompt text its model was trained on, with nothing
 * added. Templates run in a bounded interpreter: steps, depth and output have limits.
 *
 * @param model may be NULL if request->template_text is given
 * @param text  receives the prompt, to be given to reason_free()
 * @return INVALID_ARG, NO_MEMORY, MISMATCH (no template), FORMAT (syntax), UNSUPPORTED (a
 * part of the language that is not there), LIMIT, TEMPLATE (it raised an error)
 */
REASON_API reason_status reason_template_render(const reason_model *model,
                                                const reason_template_request *request,
                                                char **text, size_t *n_bytes);

/* ---------------------------------------------------------------------------------------
 * Sessions. A session is one timeline: the tokens it has seen and their keys and values.
 * It holds references to its model and pool. Freeing it while a call runs in it takes
 * effect when that call returns.
 */

/** One timeline on a model. */
typedef struct reason_session reason_session;

/** The type that keys and values are kept in, after RoPE. The block types share a scale
 * among 32 dimensions of a head and need its size to be a multiple of 32. */
typedef enum reason_kv_type {
    REASON_KV_F16 = 0,
    REASON_KV_F32 = 1,
    REASON_KV_Q8_0 = 2, /**< 8.5 bits a value */
    REASON_KV_Q4_0 = 3  /**< 4.5 bits a value */
} reason_kv_type;

/** Options of reason_session_new(). */
typedef struct reason_session_options {
    size_t size;            /**< sizeof(reason_session_options) */
    int32_t n_ctx; /**< context in tokens, at most the model's; default 0: the model's.
                        Models with LongRoPE choose their factors by it */
    int32_t
        n_threads; /**< default 0, as in reason_pool_new(); ignored if `pool` is given */
    reason_pool *pool;      /**< default NULL: a pool of its own */
    reason_kv_type kv_type; /**< default #REASON_KV_F16 */
    int32_t n_chunk; /**< prompt tokens per forward pass; default 0: 64. Never changes a
                          result, only memory and how soon a cancel is seen */
    uint64_t memory_limit; /**< bytes of keys and values; the context gets shorter to fit;
                                default 0: no limit */
    int32_t n_parallel; /**< generations of reason_generate_batch() and reason_poll() that
                             run at once; default 0: 16. Each has keys and values of its
                             own, within memory_limit. Never changes a result */
    int32_t n_guess; /**< tokens guessed ahead of each generation at most, up to 64; default
                          0: none. See below */
    int32_t lookup;  /**< tokens that must be repeated for a guess by lookup, up to 32;
                          default 0: none with a `draft`, else 3 */
    reason_model *draft; /**< a model with the same vocabulary that guesses, usually a much
                              smaller one; the session holds a reference. Default NULL */
} reason_session_options;

/* Guessing, also called speculative decoding. Where more tokens cost little more time than
 * one, several next tokens are guessed and run together, and those that turn out to be the
 * ones that are chosen anyway need no pass of their own. It never changes a result, only
 * time: guesses are compared with what is chosen from the logits before them, which are the
 * same bits in a pass of any length.
 *
 * A lookup finds the last place where the last `lookup` tokens, of prompt or output, stood
 * before and guesses what followed there (prompt lookup decoding, Saxena 2023). A draft
 * guesses what it finds likeliest itself (Leviathan et al. 2022, arXiv 2211.17192, here with
 * a comparison in place of the rejection of samples); it is asked where a lookup finds
 * nothing. How many tokens of n_guess are guessed depends on how many were right before.
 * A lookup takes 16 to 64 bytes for each token of a generation. A draft has keys and values
 * of its own in F16, not counted in memory_limit but held to as many blocks of positions;
 * where its context ends, or memory for guesses does, it goes on without. */

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_session_options_init(reason_session_options *options,
                                                     size_t size);
/** A new, empty session. Returns INVALID_ARG, LIMIT (n_ctx beyond the model's),
 * NO_MEMORY, MISMATCH (a model without weights; a kv_type that its heads do not fit). */
REASON_API reason_status reason_session_new(reason_model *model,
                                            const reason_session_options *options,
                                            reason_session **session);

/** What a session needs, in bytes. */
typedef struct reason_memory {
    size_t size;            /**< sizeof(reason_memory), set by the caller */
    uint64_t weights_bytes; /**< of weights; of a mapped file those that are read all the
                               time, so without an embedding that is not the output too */
    uint64_t model_bytes;   /**< vocabulary, template and metadata */
    uint64_t kv_bytes;      /**< keys and values when the context is full */
    uint64_t work_bytes;    /**< working memory of the forward pass and of sampling; a batch
                               takes a sampler a thread, and a row of logits for each that
                               runs, on top */
    uint64_t total_bytes;   /**< of all these */
} reason_memory;

/** Says what a session with these options would need, without making it. Sessions of one
 * model share weights_bytes and model_bytes. Returns what reason_session_new() would. */
REASON_API reason_status reason_session_memory(const reason_model *model,
                                               const reason_session_options *options,
                                               reason_memory *memory);
/** Frees the session. */
REASON_API void reason_session_free(reason_session *session);
/** Forgets every token, also what batches left; memory of its own tokens is kept for reuse.
 * Returns INVALID_ARG, BUSY. */
REASON_API reason_status reason_session_reset(reason_session *session);
/** Keeps the first `n_tokens` tokens. Returns INVALID_ARG (more than there are), BUSY. */
REASON_API reason_status reason_session_truncate(reason_session *session,
                                                 size_t n_tokens);
/** A second session at the same point. Keys and values are shared until one of them
 * writes. The fork has the same options and its own threads, or the same shared pool.
 * Returns INVALID_ARG, BUSY, NO_MEMORY. */
REASON_API reason_status reason_session_fork(reason_session *session,
                                             reason_session **fork);
/** How many tokens the session holds. Returns INVALID_ARG, BUSY. */
REASON_API reason_status reason_session_length(reason_session *session, size_t *n_tokens);
/** Bytes of keys and values that the session holds, with what batches left. Returns INVALID_ARG, BUSY. */
REASON_API reason_status reason_session_kv_bytes(reason_session *session,
                                                 uint64_t *n_bytes);
/**
 * Writes the session's tokens, keys and values to a file, from which
 * reason_session_load() goes on. It appears whole or not at all, and an existing one stays
 * as it is until then. What batches left is not in it, nor how tokens are drawn. Layout:
 * docs/FORMATS.md.
 *
 * @return INVALID_ARG (also a path of the model itself), IO (also no room), NO_MEMORY,
 * BUSY, CANCELLED
 */
REASON_API reason_status reason_session_save(reason_session *session, const char *path);
/**
 * Replaces what the session holds by what a file of reason_session_save() has. It goes on
 * bit for bit as the session that was saved, on every instruction set. The file is hostile
 * until its checksum holds, and the session changes at the very end: it stays as it was
 * after any failure, and keys and values of both are held until then. Whoever makes the
 * checksum himself can put any tokens, keys and values into a session, and nothing worse.
 *
 * @return INVALID_ARG, IO, FORMAT (damaged or cut short), UNSUPPORTED (another version),
 * MISMATCH (saved with another model, type of keys and values, or choice of LongRoPE
 * factors), CONTEXT_FULL (more tokens than the session's context), NO_MEMORY, BUSY,
 * CANCELLED
 */
REASON_API reason_status reason_session_load(reason_session *session, const char *path);
/** Stops the call that runs in the session, from any thread, and ends all requests that
 * are pending in it; does nothing if there is neither. */
REASON_API void reason_cancel(reason_session *session);

/**
 * Appends tokens to the session and gives the raw logits after each of them.
 *
 * @param tokens ids, [n]
 * @param n      at least 1
 * @param logits receives [n, n_vocab] float32, row by row; NULL: only append
 * @return INVALID_ARG, CONTEXT_FULL, NO_MEMORY, BUSY, CANCELLED; the session is unchanged
 * then, but for CANCELLED, where it keeps whole chunks that were finished
 */
REASON_API reason_status reason_session_logits(reason_session *session,
                                               const int32_t *tokens, size_t n,
                                               float *logits);

/**
 * As reason_session_logits(), with vectors in place of tokens: what goes into the first
 * layer where a token's embedding would (reason_model_embedding()), such as a mixture of
 * several (arXiv 2505.14827, 2510.05069). No token stands at these positions: a prompt never
 * matches them, and the session cannot be saved.
 *
 * @param inputs [n, n_embd] float32, finite
 * @return what reason_session_logits() returns; INVALID_ARG also for a value that is not
 * finite
 */
REASON_API reason_status reason_session_inputs(reason_session *session,
                                               const float *inputs, size_t n,
                                               float *logits);

/**
 * Appends one token to each of several sessions, computed together: the weights are read
 * once for all of them. Each session's logits are those that reason_session_logits()
 * gives it alone, bit for bit. The sessions must be of one model and were given one pool
 * (`pool` in their options); passes take as many sessions as the first one's `n_chunk`.
 *
 * @param sessions handles, [n], each once; no other thread may be inside of one
 * @param tokens   ids, [n], tokens[i] for sessions[i]
 * @param n        at least 1
 * @param logits   receives [n, n_vocab] float32, row by row; NULL: only append
 * @return INVALID_ARG, CONTEXT_FULL, NO_MEMORY, BUSY (also for a session that is listed
 * twice), CANCELLED (reason_cancel() of any of them); all sessions are unchanged then
 */
REASON_API reason_status reason_sessions_logits(reason_session *const *sessions,
                                                const int32_t *tokens, size_t n,
                                                float *logits);

/* ---------------------------------------------------------------------------------------
 * Generation within a thinking budget.
 */

/** Whether the model thinks before it answers. */
typedef enum reason_think_mode {
    REASON_THINK_AUTO = 0, /**< the model decides; nothing is forced but the budget */
    REASON_THINK_ON =
        1, /**< the opening tag is forced, and at least one token of thought */
    REASON_THINK_OFF =
        2 /**< the template's own way of not thinking, else an empty block */
} reason_think_mode;

/** How much room thinking may take, if the request says it in words. */
typedef enum reason_effort {
    REASON_EFFORT_NONE = 0, /**< not said */
    REASON_EFFORT_LOW =
        1, /**< the template's own variable if it has one, else 1/4 of the room */
    REASON_EFFORT_MEDIUM = 2, /**< 1/2 */
    REASON_EFFORT_HIGH = 3    /**< all of it */
} reason_effort;

/** Thinking. Tokens between the tags are THINK; forced ones inside count too; so do
 * blocks that the model opens again. THINK tokens never exceed the budget. */
typedef struct reason_thinking {
    size_t size;            /**< sizeof(reason_thinking) */
    reason_think_mode mode; /**< default #REASON_THINK_AUTO */
    int32_t budget; /**< most THINK tokens; default -1: what the room allows; 0: none */
    reason_effort effort;   /**< default #REASON_EFFORT_NONE */
    int32_t min_tokens; /**< a block that closes below this many THINK tokens goes on with
                             `wait_text` instead; default 0 */
    const char *wait_text;  /**< default NULL: "Wait" */
    int32_t min_answer;     /**< tokens kept free for the answer; default -1: 32, or what
                                 max_tokens leaves if that is less */
    int32_t grace; /**< within the last `grace` tokens of the budget the end of a sentence
                        closes the block; default 0 */
    const char
        *close_text; /**< written into the block before a forced close, inside the budget,
                          left out if the budget cannot hold it; default NULL: nothing */
    float close_bias;       /**< added to the logit of the closing tag; default 0 */
    float
        close_temperature; /**< of the decision to close alone; default 1, must be > 0 */
    int32_t max_waits; /**< most times that `wait_text` is written (s1, arXiv 2501.19393,
                            counts so); default 0: whenever min_tokens asks for it */
    const char *thought; /**< the whole of the thinking: written into a block, which is then
                              closed; inside the budget, and INVALID_ARG beyond it. Text of
                              another model (ThoughtMani, arXiv 2504.13626), or a remark
                              that thinking is over (NoThinking, arXiv 2504.09858). AUTO is
                              then ON, and OFF an INVALID_ARG. Default NULL: none */
    float think_threshold; /**< AUTO thinks if and only if p_think is at least this, instead
                                of drawing; default 0: it draws. Where p_think is NaN it has
                                no effect */
    /* Early exits: at the end of a line of thinking, and not before min_tokens, the model is
     * asked what it would answer if the block closed now (close_text aside); what is run for
     * that is forgotten again and counted as probe_tokens. If an exit that is in force says
     * so, the block closes as the budget would close it. */
    float exit_confidence; /**< closes when the geometric mean of the probabilities of a
                                greedy answer is at least this (DEER, arXiv 2504.15895, has
                                0.95); default 0: off */
    float exit_entropy; /**< closes when the entropy of the token behind the closing tag is at
                             most so many nats; default 0: off */
    float exit_variance; /**< closes when the variance of that entropy, a moving average with
                              weight 0.2 for the newest, is at most this, from the third
                              probe on (EAT, arXiv 2509.26522); default 0: off */
    int32_t exit_agreement; /**< closes when so many probes in a row, 2 or more, gave the same
                                 greedy answer (arXiv 2506.02536); default 0: off */
    int32_t probe_every; /**< probes after so many more THINK tokens instead of at the ends of
                              lines; default 0 */
    int32_t probe_tokens; /**< most tokens of a probe's answer, up to 4096; default 0: 16 */
    const char *probe_text; /**< opens a probe's answer, such as "\\boxed{"; default NULL:
                                 nothing */
    int32_t loop_guard; /**< ends text that repeats itself: a passage of up to 128 tokens that
                             comes so many times in a row, 2 or more, and for 32 tokens. A
                             block is closed, an answer ends. Default 0: off */
    /* Chunks (Delethink, arXiv 2510.06557): when a block has `chunk` tokens of output in the
     * context beyond those kept, the model goes on from the prompt, the first `chunk_keep`
     * tokens of output and the last `chunk_carry`, at the positions that follow. Memory
     * stays as it is, however long the thinking; max_tokens may then exceed the context. */
    int32_t chunk;       /**< 2 or more; default 0: off */
    int32_t chunk_carry; /**< below chunk; default 0: half of it */
    int32_t chunk_keep;  /**< default 0 */
    reason_session *adviser; /**< a session of another model, usually a smaller one, that is
                                  asked first, with mode OFF, for the steps of an answer; what
                                  it writes becomes `thought`, unless that is nothing or has
                                  "<STOP>" in it (ThoughtMani, arXiv 2504.13626). Not for
                                  `text`. It must be free, and is, for the call. Default NULL:
                                  none */
    const char *advice_prompt; /**< the adviser's system message; default NULL: one of ours */
    int32_t advice_tokens; /**< most tokens that it writes; default 0: 128 */
} reason_thinking;

/** Fills thinking with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_thinking_init(reason_thinking *thinking, size_t size);

/** How a token is drawn. Order: bias, penalties, temperature, top-k, top-p, min-p. */
typedef struct reason_sampling {
    size_t size;             /**< sizeof(reason_sampling) */
    float temperature;       /**< default 0.6; 0: greedy */
    int32_t top_k;           /**< default 0: all */
    float top_p;             /**< default 0.95; 1: all */
    float min_p; /**< tokens below min_p times the best one's share go; default 0 */
    float repeat_penalty; /**< divides (multiplies, if negative) logits seen; default 1 */
    float presence_penalty;  /**< subtracted once from logits seen; default 0 */
    float frequency_penalty; /**< subtracted per occurrence; default 0 */
    int32_t penalty_window;  /**< how many last tokens the penalties see; default 64; -1:
                                all */
    const int32_t *bias_tokens; /**< ids whose logits are changed, [n_bias] */
    const float *bias_values;   /**< added to them, [n_bias]; -INFINITY forbids */
    size_t n_bias;              /**< default 0 */
    uint64_t seed;              /**< default 0; the same seed gives the same text */
} reason_sampling;

/** Fills sampling with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_sampling_init(reason_sampling *sampling, size_t size);

/** What part of the output a token belongs to. */
typedef enum reason_label {
    REASON_LABEL_THINK = 0,  /**< between the tags */
    REASON_LABEL_ANSWER = 1, /**< the answer */
    REASON_LABEL_MARKUP =
        2 /**< tags, the white space that belongs to them, end of text */
} reason_label;

/** Who chose a token. */
typedef enum reason_origin { REASON_SAMPLED = 0, REASON_FORCED = 1 } reason_origin;

/** A stretch of output text, in order and whole characters only; borrowed during the
 * callback. */
typedef struct reason_piece {
    reason_label label;
    const char *text; /**< UTF-8, NUL-terminated */
    size_t n_bytes;   /**< at least 1 */
    int32_t sample;   /**< of the request that it is of, from 0 */
} reason_piece;

/** Receives output as it is made. A result other than 0 stops the generation, which then
 * ends with finish reason CANCELLED and what it has. Called on the thread that called. */
typedef int (*reason_stream_fn)(void *user, const reason_piece *piece);

/** One generation. Exactly one of `prompt`, `messages`, `messages_json` and `text` is
 * given. */
typedef struct reason_request {
    size_t size;                           /**< sizeof(reason_request) */
    const char *prompt;                    /**< one user message, NUL-terminated */
    const char *system; /**< a system message before `prompt`; default NULL */
    const reason_message *const *messages; /**< a conversation, [n_messages] */
    size_t n_messages;
    const char *messages_json;  /**< a conversation as a JSON array */
    const char *text;           /**< plain text to continue; no template is used */
    int64_t n_text;             /**< its length; default -1: NUL-terminated */
    const char *variables_json; /**< as in reason_template_request */
    const char *template_text;  /**< as in reason_template_request */
    const char *now;            /**< as in reason_template_request */
    int32_t max_tokens;         /**< thinking + answer + markup; default 0: what fits */
    const reason_thinking *thinking; /**< default NULL: defaults */
    const reason_sampling *sampling; /**< default NULL: defaults */
    const char *const
        *stops; /**< the answer ends before the first of these texts, [n_stops] */
    size_t n_stops;
    reason_stream_fn stream;     /**< default NULL */
    void *stream_user;           /**< handed to `stream` */
    reason_progress_fn progress; /**< default NULL */
    void *progress_user;         /**< handed to `progress` */
    reason_cancel_token *cancel; /**< default NULL */
    int32_t n_samples; /**< outputs wanted; default 0: 1. Sample i is the same whatever else
                            is wanted */
} reason_request;

/** Fills a request with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_request_init(reason_request *request, size_t size);

/** A finished generation. It outlives its session and model. */
typedef struct reason_result reason_result;

/**
 * Runs the request in the session. Tokens that the session already holds and that begin
 * the prompt are not computed again. Afterwards the session holds the prompt and the
 * output but for its last token. A request for several samples is a batch of one, see
 * reason_generate_batch().
 *
 * A generation that was stopped returns OK with finish reason CANCELLED and what it made.
 *
 * @return INVALID_ARG (also min_answer > max_tokens), CONTEXT_FULL (prompt, closing tag
 * and min_answer do not fit), NO_MEMORY, BUSY, CANCELLED (before the first token),
 * MISMATCH (a budget or mode ON on a model without tags; messages without a template),
 *         and what reason_template_render() returns
 */
REASON_API reason_status reason_generate(reason_session *session,
                                         const reason_request *request,
                                         reason_result **result);

/**
 * Runs many requests in the session, as many at once as its `n_parallel` and memory limit
 * allow: they join and leave between tokens, and go through the weights together. What
 * prompts have in common is computed once, and beginnings of prompts and outputs stay for
 * the next call. Each result is what reason_generate() gives for that request alone, bit
 * for bit. The session's own tokens stay as they are.
 *
 * Callbacks come one at a time, on the thread that called; requests take turns. One that
 * is cancelled, by its token or callback, ends with finish reason CANCELLED and what it
 * has; reason_cancel() does that to all of them.
 *
 * @param requests as for reason_generate(), [n]; they and what they point to must stay
 *                 unchanged during the call
 * @param n        at least 1
 * @param results  receives a result for each, [n], in their order; all NULL after a
 *                 failure
 * @return what reason_generate() returns for any of them, with its place in the sentence:
 * then nothing was run. NO_MEMORY also for a memory limit that holds no batch
 */
REASON_API reason_status reason_generate_batch(reason_session *session,
                                               const reason_request *const *requests,
                                               size_t n, reason_result **results);

/* Requests that come while others run, as in a server: any thread submits, one thread
 * polls. While requests are pending, from reason_submit() until reason_poll() has given
 * their results, every other call in the session is BUSY, and its own tokens stay as they
 * are. Freeing the session ends and frees what is pending. */

/**
 * Queues a request, from any thread, also from a callback and while another thread is
 * inside of reason_poll(). It is checked, rendered and tokenized before the call returns,
 * in the calling thread; a request that is refused leaves nothing behind.
 *
 * The request and what it points to may be changed or freed when the call returns, but
 * for its cancel token and what `stream_user` and `progress_user` point to: these are
 * used until reason_poll() has given the result. Its callbacks come on the thread that
 * polls.
 *
 * @param ticket receives a number above 0 that no other request of this session has
 * @return what reason_generate() returns, CONTEXT_FULL also for what a memory limit leaves
 * no room for; BUSY if nothing is pending and another thread is inside the session in a
 * call that is no poll; CANCELLED also between reason_cancel() and the next poll
 */
REASON_API reason_status reason_submit(reason_session *session,
                                       const reason_request *request, uint64_t *ticket);
/**
 * Runs what is pending, as many at once as the session's `n_parallel` and memory limit
 * allow, until one request has ended, and gives its result: in the order in which they
 * end, whole (all its samples), and bit for bit that of reason_generate(). One thread at
 * a time; others get BUSY.
 *
 * @param timeout_ms how long to run at most, or to wait where nothing is pending; 0: one
 *                   step, which is a token of each that runs, without waiting; -1 (or any
 *                   below 0): until a request has ended or nothing is pending. A step
 *                   that has begun is finished
 * @param ticket     receives the request's ticket; 0: none has ended
 * @param result     receives its result, the caller's; NULL if ticket is 0
 * @return NO_MEMORY with a ticket: that request failed, and has no result. Otherwise
 * INVALID_ARG, BUSY, NO_MEMORY with ticket 0: nothing is lost, a later poll goes on
 */
REASON_API reason_status reason_poll(reason_session *session, int32_t timeout_ms,
                                     uint64_t *ticket, reason_result **result);
/** Cancels one request, from any thread: its result comes soon, with finish reason
 * CANCELLED and what it has, unless it has ended already. reason_cancel() does so to all
 * that are pending. Returns INVALID_ARG (no such request is pending). */
REASON_API reason_status reason_withdraw(reason_session *session, uint64_t ticket);
/** How many requests are pending, those included whose results wait to be taken. From any
 * thread. Returns INVALID_ARG. */
REASON_API reason_status reason_pending(reason_session *session, size_t *n_requests);

/** How many samples the result has. 0 for NULL. */
REASON_API size_t reason_result_n_samples(const reason_result *result);
/** Sample `index`, borrowed from the result; the first is the result itself. NULL for an
 * index that is too large. */
REASON_API const reason_result *reason_result_sample(const reason_result *result,
                                                     size_t index);
/** Frees the result, and with it all samples. */
REASON_API void reason_result_free(reason_result *result);

/** Why a generation ended. */
typedef enum reason_finish {
    REASON_FINISH_EOS = 0,    /**< the model ended it */
    REASON_FINISH_STOP = 1,   /**< a stop text was reached */
    REASON_FINISH_LENGTH = 2, /**< max_tokens or the context ended it */
    REASON_FINISH_BUDGET = 3, /**< the budget closed the thinking; the answer followed */
    REASON_FINISH_CANCELLED = 4, /**< stopped from outside */
    REASON_FINISH_LOOP = 5,      /**< the loop guard closed the thinking or ended the answer */
    REASON_FINISH_EARLY_EXIT = 6 /**< an early exit closed the thinking */
} reason_finish;

/** "eos", "stop", "length", "budget", "cancelled", "loop", "early_exit"; "unknown" for other
 * numbers. */
REASON_API const char *reason_finish_name(reason_finish finish);

/** The thinking text without tags, borrowed from the result; `n_bytes` may be NULL. */
REASON_API const char *reason_result_thinking(const reason_result *result,
                                              size_t *n_bytes);
/** The answer text, borrowed from the result; `n_bytes` may be NULL. Empty only where the
 * finish reason says why. */
REASON_API const char *reason_result_answer(const reason_result *result, size_t *n_bytes);
/** Why it ended. If the budget closed the thinking it is BUDGET, however the answer
 * ended; so with LOOP and EARLY_EXIT. */
REASON_API reason_finish reason_result_finish(const reason_result *result);
/** How the last token came to be the last: EOS, STOP, LENGTH, LOOP or CANCELLED. */
REASON_API reason_finish reason_result_answer_end(const reason_result *result);
/** The model's own probability of thinking: P(opening tag) (1 - P(empty block | opening
 * tag)), before any bias or sampling. NaN where the mode was forced, the template opens
 * the block, or the model has no tags. */
REASON_API double reason_result_p_think(const reason_result *result);

/** Where an effort was applied. */
typedef enum reason_effort_use {
    REASON_EFFORT_UNUSED = 0,   /**< none was asked for */
    REASON_EFFORT_TEMPLATE = 1, /**< given to the template's own variable */
    REASON_EFFORT_BUDGET = 2    /**< turned into a budget */
} reason_effort_use;

/** What a generation cost. */
typedef struct reason_usage {
    size_t size;              /**< sizeof(reason_usage), set by the caller */
    uint64_t prompt_tokens;   /**< all of the prompt */
    uint64_t cached_tokens;   /**< of these, not computed again */
    uint64_t thinking_tokens; /**< labelled THINK */
    uint64_t answer_tokens;   /**< labelled ANSWER */
    uint64_t markup_tokens;   /**< labelled MARKUP */
    int64_t budget; /**< the budget in force, after room for the answer was kept */
    reason_effort_use effort_use;
    double prefill_s;  /**< seconds until the first output token could be chosen */
    double thinking_s; /**< seconds of the tokens inside blocks */
    double answer_s;   /**< seconds of all others */
    uint64_t kv_bytes; /**< keys and values held at the end */
    uint64_t probe_tokens; /**< run to look ahead and forgotten again: for p_think, and for
                                early exits */
    uint64_t guessed_tokens;  /**< guesses that were run, see reason_session_options */
    uint64_t accepted_tokens; /**< of these, those that were right */
} reason_usage;

/** Fills `usage`, whose size field must be set. Returns INVALID_ARG. */
REASON_API reason_status reason_result_usage(const reason_result *result,
                                             reason_usage *usage);

/** One output token. */
typedef struct reason_token {
    size_t size; /**< sizeof(reason_token), set by the caller */
    int32_t id;
    reason_label label;
    reason_origin origin;
    float logprob;         /**< natural log, the model's own distribution */
    float sampled_logprob; /**< under the distribution it was drawn from; 0 if greedy or
                              forced */
} reason_token;

/** How many tokens were made. 0 for NULL. */
REASON_API size_t reason_result_n_tokens(const reason_result *result);
/** Fills `token`, whose size field must be set, with token `index`. Returns INVALID_ARG.
 */
REASON_API reason_status reason_result_token(const reason_result *result, size_t index,
                                             reason_token *token);

/* ---------------------------------------------------------------------------------------
 * Scoring: what responses to a prompt are worth, by a reward head or by likelihood.
 */

/** What a score is. */
typedef enum reason_score_kind {
    REASON_SCORE_HEAD = 0,   /**< what the model's head gives: one of the next four */
    REASON_SCORE_REWARD = 1, /**< the one output at the last token */
    REASON_SCORE_LABELS = 2, /**< the outputs at the last token */
    REASON_SCORE_STEPS = 3,  /**< outputs behind each step of the response */
    REASON_SCORE_TOKENS = 4, /**< outputs at each token of the response: values */
    REASON_SCORE_YESNO = 5,  /**< of two tokens, how likely the first is to come next: a
                                  judge that answers yes or no (Qwen3-Reranker, arXiv
                                  2506.05176) */
    REASON_SCORE_LOGPROB = 6, /**< sum of the log-probabilities of the response's tokens */
    REASON_SCORE_MEAN_LOGPROB = 7, /**< their mean */
    REASON_SCORE_SIMPO = 8, /**< beta times their mean (SimPO, arXiv 2405.14734) */
    REASON_SCORE_DPO = 9    /**< beta times what the sum is above that of `reference` (the
                                 implicit reward of DPO, arXiv 2305.18290) */
} reason_score_kind;

/** "head", "reward", "labels", "steps", "tokens", "yesno", "logprob", "mean_logprob",
 * "simpo", "dpo"; "unknown" for other numbers. */
REASON_API const char *reason_score_kind_name(reason_score_kind kind);

/** What is made of a head's outputs. */
typedef enum reason_score_transform {
    REASON_TRANSFORM_MODEL = 0, /**< what the model's file says; else softmax for steps with
                                     two outputs, and nothing */
    REASON_TRANSFORM_NONE = 1,
    REASON_TRANSFORM_SIGMOID = 2,
    REASON_TRANSFORM_SOFTMAX = 3 /**< over the outputs */
} reason_score_transform;

/** How one score comes from those of many steps or tokens. */
typedef enum reason_aggregate {
    REASON_AGGREGATE_LAST = 0,
    REASON_AGGREGATE_MIN = 1,
    REASON_AGGREGATE_PRODUCT = 2,
    REASON_AGGREGATE_MEAN = 3
} reason_aggregate;

/** "last", "min", "product", "mean"; "unknown" for other numbers. */
REASON_API const char *reason_aggregate_name(reason_aggregate aggregate);

/** One prompt and responses to it. */
typedef struct reason_score_request {
    size_t size; /**< sizeof(reason_score_request) */
    const reason_request *prompt; /**< what was asked: its prompt and system, messages,
        messages_json or text, with variables_json, template_text and now. Nothing else of
        it is looked at. A conversation is rendered with the response as the assistant's
        message and without a generation prompt; `text` is followed by the response, token
        by token */
    const char *const *responses; /**< [n_responses]; tags of thoughts included. Spellings of
                                       special tokens in them become those tokens */
    const int64_t *response_bytes; /**< [n_responses], their lengths, -1: NUL-terminated;
                                        default NULL: all are */
    size_t n_responses;            /**< 1 or more */
    reason_score_kind kind;        /**< default #REASON_SCORE_HEAD */
    reason_score_transform transform; /**< of a head's outputs; default
                                           #REASON_TRANSFORM_MODEL */
    int32_t label; /**< the output that is the score; default -1: 0, of steps with two
                        outputs 1, which is "right" */
    reason_aggregate aggregate; /**< of STEPS and TOKENS; default #REASON_AGGREGATE_LAST */
    const char *step_separator; /**< what stands between steps; default NULL: the model's
        step token where the response has it, else a blank line: of a response with a
        thought one in the thought, and what is behind the thought is one step. Where the
        model has a step token, that replaces the separator and is read; where not, the last
        token of each step is, separator included */
    const char *suffix; /**< text behind each response, such as the question of a judge;
                             default NULL: none */
    const char *yes;    /**< of YESNO, one token; default NULL: "yes" */
    const char *no;     /**< default NULL: "no" */
    float beta; /**< of SIMPO and DPO; default 0: 2 of SIMPO, 0.1 of DPO */
    reason_session *reference; /**< of DPO: a session on the reference model, which has the
                                    same tokens. It must be free, and is, for the call */
    reason_progress_fn progress; /**< default NULL; stage "score", in tokens */
    void *progress_user;         /**< handed to `progress` */
    reason_cancel_token *cancel; /**< default NULL */
} reason_score_request;

/** Fills a request with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_score_request_init(reason_score_request *request,
                                                   size_t size);

/** The scores of responses to one prompt. They outlive session and model. */
typedef struct reason_scores reason_scores;

/**
 * Scores the responses. Their common beginning, prompt included, is run once; what follows
 * is run together, as many tokens in a pass as the session takes. A score is the same bits
 * whatever is scored beside it, in whatever chunks and with however many threads. The
 * session's own timeline is left as it is. A memory limit means fewer at once.
 *
 * @return INVALID_ARG, CONTEXT_FULL (a prompt with its response does not fit), NO_MEMORY,
 * BUSY, CANCELLED (there are no scores then), MISMATCH (a kind that the model has no head
 * for, or no output matrix; a reference with other tokens; a template that leaves a step
 * out), FORMAT (outputs that are not finite), and what reason_template_render() returns
 */
REASON_API reason_status reason_score(reason_session *session,
                                      const reason_score_request *request,
                                      reason_scores **scores);
/** Frees the scores. */
REASON_API void reason_scores_free(reason_scores *scores);
/** How many responses there are. 0 for NULL. */
REASON_API size_t reason_scores_n(const reason_scores *scores);
/** The kind that was used: never HEAD. #REASON_SCORE_HEAD for NULL. */
REASON_API reason_score_kind reason_scores_kind(const reason_scores *scores);
/** "none", "sigmoid", "softmax": what was made of outputs. "none" for NULL. */
REASON_API const char *reason_scores_transform(const reason_scores *scores);
/** The name of output `index` of a head, borrowed; NULL if it has none. */
REASON_API const char *reason_scores_label(const reason_scores *scores, size_t index);

/** What a response got, and what is to be known beside it: a reward that can be had by
 * length or by saying everything twice is looked at with suspicion. */
typedef struct reason_scored {
    size_t size;  /**< sizeof(reason_scored), set by the caller */
    double score; /**< more is better; behind the transform */
    const double *raw; /**< [n_raw], borrowed from the scores: outputs before the transform
        (of STEPS and TOKENS the last ones), of YESNO the two logits, of likelihoods the sum
        of log-probabilities and their mean, of DPO the model's sum and the reference's */
    size_t n_raw;
    size_t n_steps;    /**< of STEPS steps, of TOKENS and likelihoods tokens; else 0 */
    uint64_t n_tokens; /**< of prompt, response and suffix */
    uint64_t n_scored; /**< of the response, with what the template puts around it */
    uint64_t n_bytes;         /**< of the response */
    uint64_t response_tokens; /**< of the response alone, tokenized by itself */
    uint64_t thinking_tokens; /**< of it, between the model's own tags */
    uint64_t answer_tokens;   /**< of it, outside of them */
    uint64_t control_tokens; /**< of it, that are control tokens: a response that forges a
                                  turn has them */
    bool thinking_closed; /**< no thought is left open */
    bool has_answer; /**< something but white space is outside of thoughts */
    double repeated; /**< 1 - different / all of its runs of 4 tokens; 0 below 4 tokens */
} reason_scored;

/** Fills `scored`, whose size field must be set, for response `index`. Returns
 * INVALID_ARG. */
REASON_API reason_status reason_scores_at(const reason_scores *scores, size_t index,
                                          reason_scored *scored);

/** What a step, or a token, got. */
typedef struct reason_scored_step {
    size_t size;     /**< sizeof(reason_scored_step), set by the caller */
    double score;    /**< behind the transform; of likelihoods the log-probability of the
                          token, of DPO what it is above the reference's */
    const double *raw; /**< [n_raw], borrowed from the scores: outputs before the transform,
                            of likelihoods the log-probability, of DPO both */
    size_t n_raw;
    uint64_t position; /**< of the token, from 0 at the begin of the prompt */
    int32_t token;
} reason_scored_step;

/** Fills `step`, whose size field must be set, with one of a response's n_steps. Returns
 * INVALID_ARG. */
REASON_API reason_status reason_scores_step(const reason_scores *scores, size_t index,
                                            size_t step, reason_scored_step *scored);

/** What scoring cost. */
typedef struct reason_score_usage {
    size_t size;              /**< sizeof(reason_score_usage), set by the caller */
    uint64_t prompt_tokens;   /**< of the prompt */
    uint64_t shared_tokens;   /**< that all responses begin with, prompt included */
    uint64_t computed_tokens; /**< that were run; of DPO by both models */
    uint64_t kept_tokens;     /**< that earlier calls had left */
    uint64_t tokens;          /**< of all prompts, responses and suffixes, one by one */
    double seconds;           /**< of the whole call */
} reason_score_usage;

/** Fills `usage`, whose size field must be set. Returns INVALID_ARG. */
REASON_API reason_status reason_scores_usage(const reason_scores *scores,
                                             reason_score_usage *usage);

/* ---------------------------------------------------------------------------------------
 * Answers, and several samples for one.
 */

/** What the answer in a text is, and when two are the same. Numbers are compared exactly:
 * 0.5, 1/2 and .50 are one, and so are 1,234 and 1234. */
typedef enum reason_answer_kind {
    REASON_ANSWER_AUTO = 0,  /**< a last \\boxed{}, else what stands behind a last "####"
                                  or "answer is" on its line, else the text; without a
                                  full stop at its end */
    REASON_ANSWER_EXACT = 1, /**< the text, with white space as one space */
    REASON_ANSWER_NUMBER = 2, /**< the last number, or fraction of two, in the text */
    REASON_ANSWER_BOXED = 3,  /**< the last \\boxed{}, without spacing and with one
                                   spelling of fractions */
    REASON_ANSWER_CHOICE = 4  /**< a letter from A to J: boxed, behind the last "answer",
                                   in parentheses, or at the start */
} reason_answer_kind;

/**
 * The answer in a text in the form in which two are compared; empty if there is none.
 *
 * @param text    n_bytes of it, or -1 if NUL-terminated
 * @param normal  receives a NUL-terminated text for reason_free()
 * @return INVALID_ARG, NO_MEMORY
 */
REASON_API reason_status reason_answer_normalize(const char *text, int64_t n_bytes,
                                                 reason_answer_kind kind, char **normal);
/** Whether the answer in a text is that of a solution; an empty one is never. `gold` is
 * the solution alone, without a box. Both NUL-terminated. Returns INVALID_ARG, NO_MEMORY.
 */
REASON_API reason_status reason_answer_check(const char *text, const char *gold,
                                             reason_answer_kind kind, bool *right);
/** The chance that one of k samples is right, if `right` of n were: 1 - C(n - right, k) /
 * C(n, k), without bias (Chen et al. 2021). NaN unless 1 <= k <= n and right <= n. */
REASON_API double reason_pass_at_k(uint64_t n, uint64_t right, uint64_t k);

/** How reason_search() comes from samples to an answer. */
typedef enum reason_search_method {
    REASON_SEARCH_VOTE = 0,       /**< the answer that most samples have (Wang et al. 2022,
                                       self-consistency) */
    REASON_SEARCH_CONFIDENCE = 1, /**< a vote weighted by exp of a sample's mean
                                       log-probability */
    REASON_SEARCH_BEST = 2,       /**< the sample that `score` or `reward` likes best */
    REASON_SEARCH_WEIGHTED = 3,   /**< a vote weighted by `score`, which is 0 or more, or by
                                       `reward` */
    REASON_SEARCH_FIRST = 4, /**< all stop when `n_first` have ended, which vote (First
                                  Finish Search, arXiv 2505.18149) */
    REASON_SEARCH_SHORT = 5, /**< all others stop when `n_first` have begun to answer;
                                  these go on and vote (short-m@k, arXiv 2505.17813) */
    REASON_SEARCH_BEAM = 6 /**< thoughts grow by a step at a time, up to a blank line, or the
                                step_separator of `scoring`; each
                                round all are continued in several ways, and those that
                                `reward` or `step_score` likes best are kept (Snell et al.,
                                arXiv 2408.03314). A model without thoughts has steps in
                                its answer */
} reason_search_method;

/** "vote", "confidence", "best", "weighted", "first", "short", "beam"; "unknown" for other
 * numbers. */
REASON_API const char *reason_search_method_name(reason_search_method method);

/** Judges a sample: more is better, NaN leaves it out. Called on the thread that called,
 * once for each sample that has an answer, after all have ended. */
typedef double (*reason_score_fn)(void *user, const reason_result *sample);

/** Judges a response that may not be complete: more is better, NaN drops it. `text` is all
 * that was written, n_bytes and a NUL. Called on the thread that called. */
typedef double (*reason_step_score_fn)(void *user, const char *text, size_t n_bytes);

/** Options of reason_search(). */
typedef struct reason_search_options {
    size_t size;                 /**< sizeof(reason_search_options) */
    reason_search_method method; /**< default #REASON_SEARCH_VOTE */
    int32_t n_samples; /**< default 0: those of the request if it says so, else 8 */
    int32_t n_first;   /**< of FIRST and SHORT; default 0: 1 of FIRST, 3 of SHORT */
    reason_answer_kind answers; /**< default #REASON_ANSWER_AUTO */
    int64_t max_tokens; /**< of all samples together; those that run when the next token
                             of each would be too many are stopped; default 0: no limit */
    reason_score_fn score; /**< of BEST and WEIGHTED, instead of `reward`; default NULL */
    void *score_user;      /**< handed to `score` */
    reason_session *reward; /**< of BEST, WEIGHTED, BEAM: a session of the model that judges
        samples, as reason_score() does, by the request's prompt. It must be free, and is,
        for the call; it may be the session that searches. Default NULL */
    const reason_score_request *scoring; /**< how it judges: all but prompt and responses,
        progress and cancel token; default NULL: what its head says. WEIGHTED takes the
        sigmoid of a head without a transform, and exp of likelihoods */
    bool answers_only; /**< it sees answers without thoughts; not of BEAM; default false */
    reason_step_score_fn step_score; /**< of BEAM, instead of `reward`, with `score_user`;
                                          default NULL */
    int32_t n_beams; /**< of BEAM: how many are kept of n_samples that a round makes;
                          default 0: a quarter of them */
    int32_t max_steps; /**< of BEAM: most rounds; default 0: 64. Those that have not ended
                            then are stopped */
} reason_search_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_search_options_init(reason_search_options *options,
                                                    size_t size);

/** What a search found. It outlives its session and model. */
typedef struct reason_search_result reason_search_result;

/**
 * Makes samples of one request together, as reason_generate_batch() does, and chooses
 * among their answers. Samples that were stopped, or have no answer, do not vote; of equal
 * weights the answer that was seen first wins, of FIRST and SHORT the shorter sample's.
 * Which samples a stop leaves depends on when each began; where all run at once
 * (n_parallel of as many, no memory limit) it is the same every time.
 *
 * BEAM ends when as many have ended as are kept; its samples are those that were kept, and
 * there is no streaming. The budget holds over all steps of a thought. What a step costs is
 * run once: it goes on from the keys and values that are there.
 *
 * @param options NULL for defaults
 * @return what reason_generate() and, of a reward model, reason_score() return;
 * INVALID_ARG also for a method without the score it needs, for more `n_first` than
 * samples, and for a score below 0 of WEIGHTED
 */
REASON_API reason_status reason_search(reason_session *session,
                                       const reason_request *request,
                                       const reason_search_options *options,
                                       reason_search_result **result);
/** Frees the result, and with it all samples. */
REASON_API void reason_search_result_free(reason_search_result *result);
/** All samples, borrowed: see reason_result_n_samples(). NULL for NULL. */
REASON_API const reason_result *reason_search_samples(const reason_search_result *result);
/** The sample that won, borrowed; NULL if no sample has an answer. */
REASON_API const reason_result *reason_search_best(const reason_search_result *result);

/** One answer. */
typedef struct reason_search_answer {
    size_t size;        /**< sizeof(reason_search_answer), set by the caller */
    const char *text;   /**< in its normal form, borrowed from the search's result */
    double weight;      /**< votes, or what stands for them */
    uint64_t n_samples; /**< that have it */
    uint64_t sample;    /**< the best of them */
} reason_search_answer;

/** How many answers there are. 0 for NULL. */
REASON_API size_t reason_search_n_answers(const reason_search_result *result);
/** Fills `answer`, whose size field must be set, with answer `index`, the winner first.
 * Returns INVALID_ARG. */
REASON_API reason_status reason_search_answer_at(const reason_search_result *result,
                                                 size_t index,
                                                 reason_search_answer *answer);

/** What a search cost. */
typedef struct reason_search_usage {
    size_t size;        /**< sizeof(reason_search_usage), set by the caller */
    uint64_t tokens;    /**< of all samples */
    uint64_t longest;   /**< of the longest one: steps, if all run at once */
    uint64_t n_stopped; /**< samples that were stopped, of BEAM paths that were dropped */
    uint64_t unmade;    /**< tokens that these might still have made, at most */
    double seconds;     /**< of the whole call */
    uint64_t reward_tokens; /**< that a reward model ran */
} reason_search_usage;

/** Fills `usage`, whose size field must be set. Returns INVALID_ARG. */
REASON_API reason_status reason_search_usage_of(const reason_search_result *result,
                                                reason_search_usage *usage);

/* ---------------------------------------------------------------------------------------
 * Evaluating: how often a model is right over tasks, and what thinking costs there.
 */

/** A question whose answer is known. */
typedef struct reason_task {
    size_t size;          /**< sizeof(reason_task) */
    const char *question; /**< the prompt */
    const char *answer;   /**< the solution alone, as for reason_answer_check() */
    const char *kind;     /**< what it is counted under; default NULL: nothing */
    int32_t task_size;    /**< how large it is, counted under too; default -1: not said */
    reason_answer_kind answers; /**< default #REASON_ANSWER_AUTO */
} reason_task;

/** Fills a task with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_task_init(reason_task *task, size_t size);

/** What became of one task: sums over its samples. Tokens are those of the usage; the total
 * is thinking, answer and markup. */
typedef struct reason_task_result {
    size_t size;        /**< sizeof(reason_task_result) */
    uint64_t n_samples; /**< at least 1 */
    uint64_t n_right;
    uint64_t n_thought; /**< samples with tokens of thinking */
    uint64_t thinking_tokens;
    uint64_t answer_tokens;
    uint64_t probe_tokens;
    uint64_t total_tokens;
    double p_think; /**< the mean of those samples that have one; NaN: none */
    /* With `hybrid`, of n_samples each with mode ON and with mode OFF; else 0. */
    uint64_t on_right;
    uint64_t on_tokens; /**< total */
    uint64_t off_right;
    uint64_t off_tokens;
} reason_task_result;

/** Receives the result of each task as soon as it is there, in any order; borrowed during the
 * callback, from where the session is BUSY. A result other than 0 stops the evaluation.
 * Called on the thread that called. */
typedef int (*reason_task_fn)(void *user, size_t task, const reason_task_result *result);

/** Options of reason_evaluate(). */
typedef struct reason_evaluate_options {
    size_t size;       /**< sizeof(reason_evaluate_options) */
    int32_t n_samples; /**< of each task; default 1 */
    bool hybrid;   /**< run each task with mode ON and mode OFF too, and see whether AUTO, which
                        the request has to say, picks the better one; default false */
    double margin; /**< two modes whose shares of right samples differ by no more than this
                        are equally good, and the one with fewer tokens is the better one;
                        default 0 */
    reason_task_fn done; /**< default NULL */
    void *done_user;     /**< handed to `done` */
    const reason_task_result *const *known; /**< [n], results of an earlier run with the same
                                                 options, or NULL each: these tasks are
                                                 not run; default NULL */
} reason_evaluate_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_evaluate_options_init(reason_evaluate_options *options,
                                                      size_t size);

/** A finished evaluation. It outlives its session, model and tasks. */
typedef struct reason_evaluation reason_evaluation;

/**
 * Asks the questions of all tasks as reason_generate_batch() would, some hundred at once, so
 * that memory does not grow with their number, and checks the answers.
 *
 * The seed of task i, counted from 0, is the request's plus i * 0x9E3779B97F4A7C15, modulo
 * 2^64: a task's samples are those that reason_generate() makes of its question with that
 * seed, whatever the other tasks are, which of them are known, and how many run at once. An
 * adviser is asked about all tasks before the first is run.
 *
 * @param request the template of all requests: prompt, n_samples and seed are set for each
 *                task, a conversation or text is refused, and `stream` is not called. Its
 *                `progress` is called with stage "evaluate", in tasks
 * @param tasks   [n]; they must stay unchanged during the call
 * @param n       at least 1
 * @param options NULL for defaults
 * @return what reason_generate_batch() returns, also for the first tasks that cannot be run,
 * after others were; INVALID_ARG; CANCELLED (by the token, a callback or reason_cancel()).
 * `done` has been called for each task that was finished, and a later call that is given
 * these results goes on from there
 */
REASON_API reason_status reason_evaluate(reason_session *session,
                                         const reason_request *request,
                                         const reason_task *const *tasks, size_t n,
                                         const reason_evaluate_options *options,
                                         reason_evaluation **evaluation);
/** Frees the evaluation. */
REASON_API void reason_evaluation_free(reason_evaluation *evaluation);
/** How many tasks there are. 0 for NULL. */
REASON_API size_t reason_evaluation_n_tasks(const reason_evaluation *evaluation);
/** Fills `result`, whose size field must be set, with that of task `index`. Returns
 * INVALID_ARG. */
REASON_API reason_status reason_evaluation_task(const reason_evaluation *evaluation,
                                                size_t index, reason_task_result *result);

/** Figures over tasks. Means are over tasks, of what each has a sample; `_se` is the standard
 * error of the mean before it, NaN for fewer than 2 tasks; `_low` and `_high` are a 95%
 * interval. Without tasks all are NaN. */
typedef struct reason_evaluation_summary {
    size_t size;     /**< sizeof(reason_evaluation_summary), set by the caller */
    uint64_t n;      /**< tasks */
    double accuracy; /**< the mean share of right samples */
    double accuracy_low;  /**< with one sample Wilson's interval (1927); with several the */
    double accuracy_high; /**< mean and 1.96 standard errors, within 0 and 1 */
    double pass_at_k; /**< the mean of reason_pass_at_k() for k = all samples */
    double thinking_tokens;
    double thinking_tokens_se;
    double answer_tokens;
    double answer_tokens_se;
    double probe_tokens;
    double probe_tokens_se;
    double total_tokens;
    double total_tokens_se;
    double think_rate; /**< the mean share of samples that thought */
    double p_think;    /**< the mean of those tasks that have one; NaN: none */
    double hybrid_accuracy; /**< the share of tasks where the mode that AUTO picked for most
                                 samples (OFF, if for half of them) is the better one: right
                                 more often or, within the margin, with fewer tokens; of
                                 equal ones OFF is better. NaN without `hybrid` */
    double hybrid_accuracy_low; /**< Wilson's interval */
    double hybrid_accuracy_high;
    double seconds; /**< of the whole call, whatever tasks are asked for */
} reason_evaluation_summary;

/** Fills `summary`, whose size field must be set, with figures over the tasks of one kind,
 * NULL for all of them, and of one size, -1 for all. Returns INVALID_ARG. */
REASON_API reason_status reason_evaluation_summary_of(const reason_evaluation *evaluation,
                                                      const char *kind, int32_t task_size,
                                                      reason_evaluation_summary *summary);

/** How far one evaluation is from another, task by task: means of the differences, with 95%
 * intervals of 1.96 standard errors over tasks, NaN for fewer than 2 of them. */
typedef struct reason_evaluation_difference {
    size_t size; /**< sizeof(reason_evaluation_difference), set by the caller */
    double accuracy;
    double accuracy_low;
    double accuracy_high;
    double thinking_tokens;
    double thinking_tokens_low;
    double thinking_tokens_high;
    double total_tokens;
    double total_tokens_low;
    double total_tokens_high;
} reason_evaluation_difference;

/** Fills `difference`, whose size field must be set, with b - a, which are of the same tasks
 * in the same order. Returns INVALID_ARG, also for different numbers of tasks. */
REASON_API reason_status reason_evaluation_compare(
    const reason_evaluation *a, const reason_evaluation *b,
    reason_evaluation_difference *difference);

/* ---------------------------------------------------------------------------------------
 * Rewards and judges: what is made of rewards and of who beat whom. No handle, any thread.
 */

/** The chance that the first of two is better by their rewards (Bradley and Terry 1952):
 * 1 / (1 + exp(-(reward_a - reward_b) / temperature)). Temperature 1 is that of a reward
 * model as it was trained; 0 and INFINITY are limits: a certain winner, and nobody. NaN for
 * a temperature below 0 and for a NaN. */
REASON_API double reason_preference(double reward_a, double reward_b, double temperature);

/** What reason_calibrate() found. Losses are means in nats; errors are expected calibration
 * errors: the mean distance of how sure a chance is from how often it is right, in 10 bins
 * of equal width from 0.5 to 1. */
typedef struct reason_calibration {
    size_t size; /**< sizeof(reason_calibration), set by the caller */
    double temperature; /**< of the least loss; 0: margins never are on the wrong side;
                             INFINITY: they say nothing, or the opposite */
    double log_loss;        /**< with the temperature */
    double log_loss_before; /**< with temperature 1 */
    double error;           /**< with the temperature */
    double error_before;    /**< with temperature 1 */
} reason_calibration;

/**
 * Finds the temperature with which reason_preference() predicts pairs best (Guo et al. 2017,
 * arXiv 1706.04599).
 *
 * @param margins reward of the first less that of the second, [n], finite
 * @param labels  how often the first was liked better, [n]: 1, 0, or between
 * @param n       at least 1
 * @param calibration filled; its size field must be set
 * @return INVALID_ARG
 */
REASON_API reason_status reason_calibrate(const double *margins, const double *labels,
                                          size_t n, reason_calibration *calibration);

/* Games: player a[i] met player b[i], counted from 0, and had the score scores[i]: 1 won, 0
 * lost, 0.5 drew, or between, such as a share of votes. */

/** Options of reason_elo(). */
typedef struct reason_elo_options {
    size_t size;      /**< sizeof(reason_elo_options) */
    double k;         /**< most that a game moves a rating; default 32 */
    double start;     /**< every rating at first; default 1000 */
    double scale;     /**< ratings so far apart are a chance of 10 to 1; default 400 */
    int32_t n_passes; /**< times that all games are gone through; default 1 */
    bool shuffle; /**< each pass has an order of its own, by the seed; default true; false:
                       the order of the list */
    uint64_t seed; /**< default 0 */
} reason_elo_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_elo_options_init(reason_elo_options *options, size_t size);

/**
 * Elo's ratings: after each game a's rating grows by k (score - expected), with expected =
 * 1 / (1 + 10^((R_b - R_a) / scale)), and b's falls by as much. They depend on the order of
 * games; reason_bradley_terry() does not.
 *
 * @param a, b, scores games, [n_games], which may be 0
 * @param n_players    at least 1
 * @param options      NULL for defaults
 * @param ratings      receives [n_players]
 * @return INVALID_ARG, NO_MEMORY
 */
REASON_API reason_status reason_elo(const uint32_t *a, const uint32_t *b,
                                    const double *scores, size_t n_games,
                                    size_t n_players, const reason_elo_options *options,
                                    double *ratings);

/**
 * The strengths under which the games are most likely, if a beats b with the chance 1 /
 * (1 + exp(s_b - s_a)). Each player also has a drawn game of weight `prior` against one of
 * strength 0: so strengths exist where somebody won everything, are comparable where two
 * groups never met, and are about 0 in the mean. Newton's method; where it does not
 * converge, which no game has made it do yet, *converged is false and errors are NaN.
 *
 * @param a, b, scores games, [n_games], which may be 0
 * @param n_players    1 to 1024
 * @param prior        above 0; 0.1 changes little where there are some games
 * @param strengths    receives [n_players]; times 400 / ln 10 they are on Elo's scale
 * @param errors       NULL, or receives their standard errors, [n_players]
 * @param converged    NULL, or receives whether they are the maximum
 * @return INVALID_ARG, LIMIT, NO_MEMORY
 */
REASON_API reason_status reason_bradley_terry(const uint32_t *a, const uint32_t *b,
                                              const double *scores, size_t n_games,
                                              size_t n_players, double prior,
                                              double *strengths, double *errors,
                                              bool *converged);

/** What reason_win_rate() found. */
typedef struct reason_win_rates {
    size_t size;        /**< sizeof(reason_win_rates), set by the caller */
    double win_rate;    /**< the mean score */
    double win_rate_se; /**< its standard error; NaN for one pair */
    double length_controlled; /**< what it would be if both sides were equally long */
    double length_weight;     /**< of the model of scores: of length, */
    double difficulty_weight; /**< of difficulty, */
    double model_weight;      /**< and of being this model */
    bool converged;           /**< false: the weights are not the best yet */
} reason_win_rates;

/**
 * The rate at which a model wins against another one, and that rate without judges' taste
 * for length (Length-Controlled AlpacaEval, arXiv 2404.04475): scores are modelled as
 * sigma(w1 f1 + w2 f2 + w3) with f1 = tanh(d / sd(d)), d = length_b - length_a with its
 * sample standard deviation, and f2 the difficulty; the sum of the losses plus `penalty` (|w1|
 * + |w2| + |w3|) is least, and the rate is the mean of sigma(w2 f2 + w3). The paper's
 * regularisation by annotations of gamed baselines and its search for the penalty are left
 * out.
 *
 * @param scores       how a judge likes side a, [n], 0 to 1
 * @param lengths_a, lengths_b of both sides, in characters, [n], finite
 * @param difficulties of the instructions, [n], finite; NULL: there is no such term
 * @param n            at least 1
 * @param penalty      above 0; 1 is usual
 * @param rates        filled; its size field must be set
 * @return INVALID_ARG
 */
REASON_API reason_status reason_win_rate(const double *scores, const double *lengths_a,
                                         const double *lengths_b,
                                         const double *difficulties, size_t n,
                                         double penalty, reason_win_rates *rates);

/** A score of a that does not reward length (WildBench, arXiv 2406.04770, has 500
 * characters and the outcome "slightly better"): 0.5 if the winner's lead |2 score - 1| is
 * at most `small` and it is longer by more than `most`; else the score. */
REASON_API double reason_tie_by_length(double score, double length_a, double length_b,
                                       double most, double small);

/** The 95% interval of a share of n things (Wilson 1927); NaN where n is 0 or the share
 * outside of 0 to 1. `low` and `high` may be NULL. */
REASON_API void reason_share_interval(double share, uint64_t n, double *low,
                                      double *high);

/* ---------------------------------------------------------------------------------------
 * Judges that think first: a model is asked which of two responses is better, or how good
 * one is, and ends with a verdict (Reward Reasoning Models, arXiv 2505.14674). What it is
 * asked is in docs/JUDGES.md. Results are read-only and outlive session and model.
 */

/** What a judge is asked. */
typedef enum reason_judge_kind {
    REASON_JUDGE_PAIR = 0,     /**< which of two responses is better */
    REASON_JUDGE_SCORE = 1,    /**< a number for each response */
    REASON_JUDGE_CHECKLIST = 2 /**< yes or no for each response and item of a checklist */
} reason_judge_kind;

/** In which order a pair is shown. */
typedef enum reason_judge_order {
    REASON_ORDER_BOTH = 0,   /**< each vote is two verdicts, one in either order */
    REASON_ORDER_RANDOM = 1, /**< the seed draws an order for each vote */
    REASON_ORDER_GIVEN = 2   /**< the first response first */
} reason_judge_order;

/** What a verdict on a pair says. */
typedef enum reason_verdict {
    REASON_VERDICT_NONE = 0, /**< nothing that can be read: it has no vote */
    REASON_VERDICT_1 = 1,    /**< the first is better */
    REASON_VERDICT_2 = 2,    /**< the second is better */
    REASON_VERDICT_TIE = 3   /**< equally good: half a vote for each; of callbacks alone */
} reason_verdict;

/** A judge of the host's own, such as a verifier: returns a ::reason_verdict on `a` (1) and
 * `b` (2); a number below 0 stops the call. Called on the thread that called. */
typedef int (*reason_judge_fn)(void *user, const char *query, const char *a,
                               const char *b);

/** What is to be judged, and how. Texts are NUL-terminated. Query, responses, rubric and
 * checklist may come from anywhere: the chat template does not see them, and spellings of
 * special tokens and tags in them are plain text. */
typedef struct reason_judge_request {
    size_t size; /**< sizeof(reason_judge_request) */
    reason_judge_kind kind; /**< default #REASON_JUDGE_PAIR */
    const char *query;      /**< what was asked; needed */
    const char *const *responses; /**< [n_responses]: 2 of PAIR, 1 or more else; of a
                                       tournament 2 or more */
    size_t n_responses;
    int32_t n_votes; /**< verdicts on each thing that is asked, each drawn by itself;
                          default 1 */
    reason_judge_order order; /**< of PAIR; default #REASON_ORDER_BOTH */
    const char *system; /**< the system message; default NULL: one of ours; "": none */
    const char *prompt; /**< the user message, with {response_1} and {response_2} of PAIR,
                             {response} of SCORE, {response} and {item} of CHECKLIST, and if
                             wanted {query}, {rubric}, {checklist}, {lowest}, {highest};
                             default NULL: one of ours */
    const char *verdict_1; /**< says that the first is better, or yes; default NULL:
                                "\\boxed{Assistant 1}", "\\boxed{yes}" */
    const char *verdict_2; /**< the same of the second, or no */
    const char *rubric; /**< what counts, of PAIR and SCORE; default NULL: what our prompt
                             says */
    const char *const *checklist; /**< [n_checklist], needed by CHECKLIST; of PAIR and SCORE
                                       shown as a list */
    size_t n_checklist;
    int32_t lowest;  /**< of SCORE; default 1 */
    int32_t highest; /**< of SCORE, above lowest; default 10 */
    int32_t max_tokens; /**< of a verdict, with its thinking; default 0: 8192, or what fits
                             if that is less */
    const char *template_text;  /**< as in reason_request */
    const char *variables_json; /**< as in reason_request */
    const char *now;            /**< as in reason_request */
    const reason_thinking *thinking; /**< of each verdict; no adviser. Default NULL:
                                          defaults */
    const reason_sampling *sampling; /**< default NULL: defaults with top_p 1, as the paper
                                          has */
    reason_judge_fn judge; /**< of PAIR: asked instead of a model; default NULL */
    void *judge_user;      /**< handed to `judge` */
    reason_progress_fn progress; /**< stage "judge", in verdicts; default NULL */
    void *progress_user;         /**< handed to `progress` */
    reason_cancel_token *cancel; /**< default NULL */
} reason_judge_request;

/** Fills a request with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_judge_request_init(reason_judge_request *request,
                                                   size_t size);

/** What was judged. */
typedef struct reason_judgement reason_judgement;

/**
 * Judges. All verdicts run together as reason_generate_batch() would run them, some hundred
 * at once; prompts share their beginnings. A model without a chat template gets both
 * messages as plain text.
 *
 * A verdict on a pair is the last `verdict_1` or `verdict_2` in the answer (never in the
 * thinking), letters in either case, white space not counted; a score is the number in the
 * last \\boxed{} if it lies within the scale. What has none is invalid and does not vote.
 *
 * Each verdict has a random stream of its own, made of the seed, of which responses it is
 * about, in which order, and the number of the vote: it does not depend on what else is
 * asked.
 *
 * @param session NULL if request->judge is given
 * @return what reason_generate_batch() returns; INVALID_ARG also for a prompt without a
 * place for a response, and for U+F8FF in system or prompt; MISMATCH also for a template
 * that leaves out a message; CANCELLED (by token, callback or reason_cancel())
 */
REASON_API reason_status reason_judge(reason_session *session,
                                      const reason_judge_request *request,
                                      reason_judgement **judgement);
/**
 * Judges n requests together; each judgement is that of reason_judge() for the request alone.
 *
 * @param session    NULL if every request has a `judge`
 * @param n          at least 1
 * @param judgements receives one for each, [n]; all NULL after a failure
 */
REASON_API reason_status reason_judge_batch(reason_session *session,
                                            const reason_judge_request *const *requests,
                                            size_t n, reason_judgement **judgements);
/** Frees the judgement and all verdicts. */
REASON_API void reason_judgement_free(reason_judgement *judgement);

/** What verdicts on a pair come to, and what they cost. */
typedef struct reason_judgement_summary {
    size_t size;      /**< sizeof(reason_judgement_summary), set by the caller */
    uint64_t votes_1; /**< verdicts for the first response, however it was shown */
    uint64_t votes_2;
    uint64_t n_ties;
    uint64_t n_invalid;
    int32_t winner; /**< 1 or 2 by more votes; 0: as many for each */
    double share;   /**< of the votes that are for 1, ties as halves; NaN: no votes */
    double share_low; /**< its 95% interval (Wilson's) */
    double share_high;
    double agreement; /**< of votes in both orders, both of them valid, the share that name
                           the same response; NaN: there are none */
    double first_rate; /**< of valid verdicts for a response the share for the one shown
                            first: 0.5 in both orders is a judge without a bias for a
                            position; NaN: there are none */
    uint64_t prompt_tokens; /**< sums over verdicts, as in reason_usage */
    uint64_t cached_tokens;
    uint64_t thinking_tokens;
    uint64_t answer_tokens;
    uint64_t markup_tokens;
    double seconds; /**< of the whole call */
} reason_judgement_summary;

/** Fills `summary`, whose size field must be set; of other kinds than PAIR all that is about
 * pairs is 0 or NaN. Returns INVALID_ARG. */
REASON_API reason_status reason_judgement_summary_of(const reason_judgement *judgement,
                                                     reason_judgement_summary *summary);

/** What verdicts on one response come to. */
typedef struct reason_judge_score {
    size_t size;     /**< sizeof(reason_judge_score), set by the caller */
    double mean;     /**< of the valid scores, or of yes as 1 and no as 0; NaN: none */
    double spread;   /**< their sample standard deviation; NaN of fewer than 2 */
    uint64_t n_valid;
    uint64_t n_invalid;
} reason_judge_score;

/** Fills `score`, whose size field must be set, of SCORE and CHECKLIST. Item -1 is the
 * response as a whole: of CHECKLIST mean and spread of the means of its items. Returns
 * INVALID_ARG. */
REASON_API reason_status reason_judgement_score(const reason_judgement *judgement,
                                                size_t response, int32_t item,
                                                reason_judge_score *score);

/** One verdict. */
typedef struct reason_judge_verdict {
    size_t size;      /**< sizeof(reason_judge_verdict), set by the caller */
    size_t first;     /**< the response that was shown first, or alone, from 0 */
    size_t second;    /**< the other one; of one response alone the same as `first` */
    int32_t item;     /**< of the checklist; -1 of other kinds */
    int32_t vote;     /**< its number, from 0 */
    reason_verdict verdict; /**< of PAIR, on responses[0] (1) and responses[1] (2) however
                                 they were shown */
    double value; /**< the score, or 1 for yes and 0 for no; NaN of PAIR and if invalid */
    const reason_result *result; /**< what the model wrote, borrowed from the judgement;
                                      NULL of a callback */
} reason_judge_verdict;

/** How many verdicts there are, invalid ones included. 0 for NULL. */
REASON_API size_t reason_judgement_n_verdicts(const reason_judgement *judgement);
/** Fills `verdict`, whose size field must be set, with verdict `index`. Returns
 * INVALID_ARG. */
REASON_API reason_status reason_judgement_verdict(const reason_judgement *judgement,
                                                  size_t index,
                                                  reason_judge_verdict *verdict);

/** How reason_tournament() pairs candidates and ranks them. */
typedef enum reason_tournament_method {
    REASON_TOURNAMENT_ELO = 0, /**< everyone meets everyone, n (n - 1) / 2 games; Elo's
                                    ratings (as arXiv 2505.14674) */
    REASON_TOURNAMENT_BRADLEY_TERRY = 1, /**< the same games; strengths */
    REASON_TOURNAMENT_KNOCKOUT = 2, /**< winners go on from a bracket that the seed draws, n
                                         - 1 games in ceil(log2 n) rounds; who is left over
                                         goes on too. The rating is the rounds survived */
    REASON_TOURNAMENT_SAMPLED = 3 /**< everyone meets n_opponents others, on a circle that
                                       the seed draws; strengths */
} reason_tournament_method;

/** "elo", "bradley-terry", "knockout", "sampled"; "unknown" for other numbers. */
REASON_API const char *reason_tournament_method_name(reason_tournament_method method);

/** Options of reason_tournament(). */
typedef struct reason_tournament_options {
    size_t size;                     /**< sizeof(reason_tournament_options) */
    reason_tournament_method method; /**< default #REASON_TOURNAMENT_ELO */
    int32_t n_opponents; /**< of SAMPLED; default 0: 4. No more than there are; one more where
                              both it and the number of candidates are odd */
    uint64_t seed;       /**< of brackets and circles; default 0 */
    const reason_elo_options *elo; /**< default NULL: defaults */
    double prior; /**< of strengths, as in reason_bradley_terry(); default 0.1 */
} reason_tournament_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_tournament_options_init(
    reason_tournament_options *options, size_t size);

/** A finished tournament. It outlives its session and texts. */
typedef struct reason_tournament reason_tournament;

/**
 * Ranks the responses of a request of kind PAIR by games between two of them, each judged as
 * reason_judge() does, with all votes; all games of a round run together. Who has more votes
 * wins; with as many for each, or none that is valid, the game is a draw, and in a knockout
 * the one that stands earlier in the bracket goes on. The verdicts of two candidates are the
 * same in every method.
 *
 * @param session NULL if request->judge is given
 * @param request with 2 or more responses, for SAMPLED and BRADLEY_TERRY up to 1024
 * @param options NULL for defaults
 * @return what reason_judge() and reason_bradley_terry() return
 */
REASON_API reason_status reason_tournament_run(reason_session *session,
                                               const reason_judge_request *request,
                                               const reason_tournament_options *options,
                                               reason_tournament **tournament);
/** Frees the tournament. */
REASON_API void reason_tournament_free(reason_tournament *tournament);

/** A candidate's place. */
typedef struct reason_candidate {
    size_t size;      /**< sizeof(reason_candidate), set by the caller */
    size_t candidate; /**< its response, from 0 */
    double rating;    /**< by the method */
    double error;     /**< standard error of a strength; NaN of other ratings */
    uint64_t n_won;   /**< games */
    uint64_t n_lost;
    uint64_t n_drawn;
} reason_candidate;

/** How many candidates there are. 0 for NULL. */
REASON_API size_t reason_tournament_n_candidates(const reason_tournament *tournament);
/** Fills `candidate`, whose size field must be set, with the one at place `rank`, 0 being the
 * best; of equal ratings the one that won more games, then the earlier response. Returns
 * INVALID_ARG. */
REASON_API reason_status reason_tournament_candidate(const reason_tournament *tournament,
                                                     size_t rank,
                                                     reason_candidate *candidate);

/** One game. */
typedef struct reason_tournament_game {
    size_t size;   /**< sizeof(reason_tournament_game), set by the caller */
    size_t a;      /**< the lower response of the two */
    size_t b;      /**< the higher */
    int32_t round; /**< from 0 */
    double score;  /**< of a: 1, 0.5 or 0 */
    uint64_t votes_a;
    uint64_t votes_b;
    uint64_t n_ties;
    uint64_t n_invalid;
} reason_tournament_game;

/** Fills `game`, whose size field must be set, with game `index`, in the order in which they
 * were played. Returns INVALID_ARG. */
REASON_API reason_status reason_tournament_game_at(const reason_tournament *tournament,
                                                   size_t index,
                                                   reason_tournament_game *game);

/** What a tournament cost. */
typedef struct reason_tournament_usage {
    size_t size;     /**< sizeof(reason_tournament_usage), set by the caller */
    uint64_t n_games;
    uint64_t n_rounds;
    uint64_t n_verdicts; /**< invalid ones included */
    uint64_t n_invalid;
    uint64_t prompt_tokens; /**< sums over verdicts, as in reason_usage */
    uint64_t cached_tokens;
    uint64_t thinking_tokens;
    uint64_t answer_tokens;
    uint64_t markup_tokens;
    double agreement;  /**< as in reason_judgement_summary, over all games */
    double first_rate; /**< the same */
    bool converged;    /**< false: strengths are not the maximum, and have no errors */
    double seconds;    /**< of the whole call */
} reason_tournament_usage;

/** Fills `usage`, whose size field must be set. Returns INVALID_ARG. */
REASON_API reason_status reason_tournament_usage_of(const reason_tournament *tournament,
                                                    reason_tournament_usage *usage);

/* ---------------------------------------------------------------------------------------
 * Quantizing. No handle; calls are independent of each other.
 */

/** What became of one tensor. Borrowed during the callback. */
typedef struct reason_quantize_tensor {
    size_t size;      /**< sizeof(reason_quantize_tensor), set by the library */
    const char *name;
    int32_t n_dims;
    int64_t shape[4]; /**< shape[0] is the row length; missing ones are 1 */
    const char *from, *to; /**< types, such as "F16" and "Q4_K" */
    const char *reason; /**< "type", "mix" (the named mix gives it another type), "rule",
                             "fallback" (its rows are no whole blocks of what it should
                             be), "kept" (a vector, or no weight matrix) */
    double rmse;        /**< root of the mean squared difference to the source's weights */
    double relative;    /**< that over the root of the mean square of the weights; 0 where
                             they are all 0 */
    double weighted_rmse; /**< with squares weighted by importance; NaN without */
    double max_error;   /**< the largest difference */
    uint64_t n_nan;     /**< weights of the source that are NaN or infinite; differences
                             leave them out */
} reason_quantize_tensor;

/** Receives what became of each tensor, in the file's order. A result other than 0 stops
 * the call, which is then CANCELLED. Called on the thread that called. */
typedef int (*reason_quantize_report_fn)(void *user,
                                         const reason_quantize_tensor *tensor);

/** Options of reason_quantize(). */
typedef struct reason_quantize_options {
    size_t size;      /**< sizeof(reason_quantize_options) */
    const char *type; /**< a type of docs/QUANTIZATION.md or a mix, or "keep": matrices stay
                           in what they are; default NULL: "Q4_K_M" */
    const char *imatrix; /**< an importance file; default NULL: weights count alike */
    const char *const *rules; /**< "PATTERN=TYPE", [n_rules]: a POSIX extended regular
                                   expression searched in the names of weight matrices,
                                   before the last '='; the first that matches counts */
    size_t n_rules;
    bool pure;        /**< all matrices in the one type, embedding and output too */
    bool requantize;  /**< allow quantized tensors in the source; their error adds up */
    int32_t n_threads; /**< default 0: what the process may use; the result is the same */
    reason_cpu cpu;   /**< default #REASON_CPU_AUTO; the result is the same */
    reason_i2_s i2_s; /**< of the source; default #REASON_I2_S_A */
    reason_quantize_report_fn report; /**< default NULL */
    void *report_user;                /**< handed to `report` */
    reason_cancel_token *cancel;      /**< default NULL */
    reason_progress_fn progress; /**< default NULL; stages "quantize" and "verify", in
                                      bytes of the source and of the result */
    void *progress_user;              /**< handed to `progress` */
    const char *const *adapters; /**< [n_adapters] paths as reason_adapter_open() reads them,
                                      merged into the weights; default NULL: none */
    const float *adapter_scales; /**< [n_adapters], as of #reason_derive_options */
    size_t n_adapters;
} reason_quantize_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_quantize_options_init(reason_quantize_options *options,
                                                      size_t size);

/**
 * Writes a GGUF file with the weights of another model in other types; metadata is carried
 * over. `in` is whatever reason_model_open() takes: of a Hugging Face folder tokenizer,
 * template and heads are carried over too.
 * The file is written beside `out`, opened again, compared, and renamed: an existing one
 * stays as it is until then, and after any failure. A split model becomes one file.
 *
 * Types that hold three values (TQ1_0, TQ2_0, I2_S) round every weight to -s, 0 or s with
 * s the mean magnitude of the tensor; unless it was of that kind before, a log line warns
 * with the error.
 *
 * With adapters what is written is W + the sum of scale * alpha / r * B A, computed in
 * float32 a row at a time. A quantized tensor that they change counts as one that gets
 * another type. Where the embedding is the output too, adapters that change one of both are
 * UNSUPPORTED: reason_model_derive() applies them.
 *
 * @return INVALID_ARG (also `out` is the source or an adapter, or a quantized source without
 * options->requantize), IO (also no room), NO_MEMORY, FORMAT, UNSUPPORTED, LIMIT,
 * MISMATCH (an importance entry of another width, an adapter of another model), CANCELLED
 */
REASON_API reason_status reason_quantize(const char *in, const char *out,
                                         const reason_quantize_options *options);

/** Options of reason_export(). */
typedef struct reason_export_options {
    size_t size;      /**< sizeof(reason_export_options) */
    const char *type; /**< of matrices: "F32", "F16" or "BF16"; default NULL: floats stay
                           what they are, quantized ones become F16. Vectors have the same
                           type where that changes no value, else F32 */
    reason_cancel_token *cancel; /**< default NULL */
    reason_progress_fn progress; /**< default NULL; stage "export", bytes of the source */
    void *progress_user;         /**< handed to `progress` */
} reason_export_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_export_options_init(reason_export_options *options,
                                                    size_t size);

/**
 * Writes a model as a Hugging Face folder: config.json, model.safetensors, and of its
 * tokenizer and template tokenizer.json and tokenizer_config.json. `in` is whatever
 * reason_model_open() takes. `out` must not be there, or be an empty folder; it appears
 * whole or not at all. Ternary models (docs/FORMATS.md) are written packed.
 *
 * @return INVALID_ARG, IO (also no room), NO_MEMORY, FORMAT, UNSUPPORTED (what no class of
 * Transformers has, by its name), LIMIT, CANCELLED
 */
REASON_API reason_status reason_export(const char *in, const char *out,
                                       const reason_export_options *options);

/* ---------------------------------------------------------------------------------------
 * Judging models over a text. These calls make sessions of their own; any number of them
 * may run on one model at once.
 */

/** How reason_perplexity() reads a text. */
typedef struct reason_perplexity_options {
    size_t size;    /**< sizeof(reason_perplexity_options) */
    int32_t n_ctx;  /**< tokens of a chunk, at least 3; default 0: 512, or the shortest
                         context of the models if that is less */
    int32_t n_chunks;      /**< chunks at most, from the front; default 0: all */
    bool all_positions;    /**< score every token of a chunk but the first; default false:
                                only those of its second half, which have a context */
    bool special;          /**< spellings of special tokens in the text become those
                                tokens; default false */
    const char *separator; /**< what stands between documents of the text, such as
                                "\n%%\n"; default NULL: it is one document */
    reason_model *against; /**< a second model with the same vocabulary to compare with,
                                usually the one that `model` was made from; default NULL */
    int32_t n_threads;     /**< as in reason_session_options */
    reason_pool *pool;     /**< as in reason_session_options */
    reason_kv_type kv_type; /**< of the model's keys and values; `against` keeps F16.
                                 Default #REASON_KV_F16 */
    reason_cancel_token *cancel; /**< default NULL */
    reason_progress_fn progress; /**< stage "perplexity", in tokens of both models; default
                                      NULL */
    void *progress_user;         /**< handed to `progress` */
} reason_perplexity_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_perplexity_options_init(
    reason_perplexity_options *options, size_t size);

/** What reason_perplexity() found. Each `_se` is the standard error of the figure before
 * it, the scored tokens taken as independent, and NaN for fewer than 2 of them. */
typedef struct reason_perplexity_result {
    size_t size;       /**< sizeof(reason_perplexity_result), set by the caller */
    uint64_t n_text;   /**< tokens of the text, each document's begin of text included */
    uint64_t n_chunks; /**< chunks that were run */
    uint64_t n_ctx;    /**< tokens of the longest */
    uint64_t n_scored; /**< tokens that were scored */
    double perplexity; /**< exp of minus the mean log-probability of the scored tokens */
    double perplexity_se;
    double bits_per_token; /**< the same as a base 2 logarithm */
    double tokens_s;       /**< tokens run through `model` a second, without judging */
    /* The rest is NaN without `against`. p is the probability of a scored token, by
     * `model` (p) and `against` (q). */
    double against_perplexity; /**< of the other model */
    double against_perplexity_se;
    double ratio; /**< perplexity / against_perplexity */
    double ratio_se;
    double kl_mean; /**< KL(against || model) in nats, over the whole vocabulary: the sum
                         of q' log(q' / p') over every next token; its mean, */
    double kl_se;
    double kl_median; /**< the median, */
    double kl_p99;    /**< what 99% of positions stay below, */
    double kl_max;    /**< and the worst */
    double same_top;  /**< share of positions where both have the same best token */
    double same_top_se;
    double p_difference; /**< mean of p - q */
    double p_difference_se;
} reason_perplexity_result;

/**
 * Tells how well a model predicts a text, and how far it is from another model there.
 *
 * The text, or each document of it, becomes tokens, with a begin of text where the
 * model's vocabulary puts one, and is cut into chunks of n_ctx tokens; what is left behind
 * the last whole chunk is dropped, but a document shorter than one chunk is a chunk of its
 * own length. If the vocabulary puts a begin of text, it takes the place of the first
 * token of every chunk. A chunk of n tokens is run from an empty context, and the tokens
 * at n/2 + 1 to n - 1 (rounded down, counted from 0) are scored, each by the logits after
 * the token before it; with all_positions those at 1 to n - 1. Documents with nothing to
 * score are left out. Figures do not depend on the number of threads and the instruction
 * set. Logits of 32 positions are held at once.
 *
 * @param text    UTF-8; n_bytes its length, or -1 if NUL-terminated
 * @param options NULL for defaults
 * @param result  filled; its size field must be set
 * @return INVALID_ARG (also if no document has 3 tokens, with all_positions 2), LIMIT
 * (n_ctx beyond a model's), MISMATCH (a model without weights; vocabularies that differ; a
 * kv_type that its heads do not fit), UNSUPPORTED (no tokenizer), FORMAT (logits that are
 * not finite), NO_MEMORY, CANCELLED
 */
REASON_API reason_status reason_perplexity(reason_model *model, const char *text,
                                           int64_t n_bytes,
                                           const reason_perplexity_options *options,
                                           reason_perplexity_result *result);

/** How reason_imatrix() reads a text. */
typedef struct reason_imatrix_options {
    size_t size;           /**< sizeof(reason_imatrix_options) */
    int32_t n_ctx;         /**< as in reason_perplexity_options, at least 2 */
    int32_t n_chunks;      /**< as in reason_perplexity_options */
    bool special;          /**< as in reason_perplexity_options */
    const char *separator; /**< as in reason_perplexity_options */
    const char *dataset;   /**< what the file calls the text; default NULL: nothing */
    int32_t n_threads;     /**< as in reason_session_options */
    reason_pool *pool;     /**< as in reason_session_options */
    reason_cancel_token *cancel; /**< default NULL */
    reason_progress_fn progress; /**< stage "imatrix", in tokens; default NULL */
    void *progress_user;         /**< handed to `progress` */
} reason_imatrix_options;

/** Fills options with defaults. As reason_model_options_init(). */
REASON_API reason_status reason_imatrix_options_init(reason_imatrix_options *options,
                                                     size_t size);

/** What reason_imatrix() read and wrote. */
typedef struct reason_imatrix_result {
    size_t size;        /**< sizeof(reason_imatrix_result), set by the caller */
    uint64_t n_text;    /**< tokens of the text, each document's begin of text included */
    uint64_t n_chunks;  /**< chunks that were run */
    uint64_t n_ctx;     /**< tokens of the longest */
    uint64_t n_tokens;  /**< of all of them, which count alike */
    uint64_t n_tensors; /**< tensors of the model that the file tells of */
} reason_imatrix_result;

/**
 * Runs a text through a model and writes how large the inputs of its weights are: an
 * importance matrix. A quantizer that knows it keeps those columns more exactly that are
 * multiplied by more.
 *
 * The text is cut as reason_perplexity() does, and all tokens of all chunks count. The file
 * is a GGUF file with general.type "imatrix": for each tensor NAME of two dimensions that
 * is multiplied, the output included, NAME.in_sum2 holds the sum of the squares of every
 * input column and NAME.counts the number of tokens, in float32; imatrix.datasets,
 * imatrix.chunk_count and imatrix.chunk_size tell what was read. Inputs are taken before
 * they are rounded to 8 bits (where an architecture rounds them for float weights too:
 * after), and added in double in the order of the text: the file does not depend on the
 * number of threads and the instruction set.
 *
 * @param text    UTF-8; n_bytes its length, or -1 if NUL-terminated
 * @param path    of the file, which appears whole or not at all
 * @param options NULL for defaults
 * @param result  filled if it is not NULL; its size field must be set
 * @return INVALID_ARG (also if no document has 2 tokens), LIMIT (n_ctx beyond the
 * model's), MISMATCH (a model without weights), UNSUPPORTED (no tokenizer), FORMAT
 * (activations that are not finite), IO, NO_MEMORY, CANCELLED
 */
REASON_API reason_status reason_imatrix(reason_model *model, const char *text,
                                        int64_t n_bytes, const char *path,
                                        const reason_imatrix_options *options,
                                        reason_imatrix_result *result);

/* ---------------------------------------------------------------------------------------
 * Measuring.
 */

/** What this machine can do at most, measured with `pool`'s threads in about a second. */
typedef struct reason_machine {
    size_t size;            /**< sizeof(reason_machine), set by the caller */
    int32_t n_threads;      /**< that measured */
    const char *cpu;        /**< the level measured; static text */
    double read_bytes_s;    /**< bytes a second of sequential reads */
    double
        int8_ops_s; /**< 8-bit multiply-adds a second, counted as two operations each */
    double float_ops_s; /**< float32 multiply-adds a second, counted as two operations
                           each */
} reason_machine;

/** Measures the machine. NULL pool: a default one. Returns INVALID_ARG, NO_MEMORY. */
REASON_API reason_status reason_machine_measure(reason_pool *pool,
                                                reason_machine *machine);

#ifdef __cplusplus
}
#endif

#endif
