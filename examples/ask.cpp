// The same as ask.c, with handles that free themselves.
#include <reason/reason.h>

#include <iostream>
#include <memory>

template <typename T> using handle = std::unique_ptr<T, void (*)(T *)>;

// Calls fn(arguments..., &pointer) and wraps what it made; empty on failure.
template <typename T, typename Make> handle<T> make(void (*release)(T *), Make fn) {
    T *made = nullptr;
    fn(&made);
    return handle<T>(made, release);
}

int main(int argc, char **argv) {
    reason_request request;
    reason_thinking thinking;
    reason_request_init(&request, sizeof request);
    reason_thinking_init(&thinking, sizeof thinking);
    thinking.budget = 128;
    request.prompt = argc > 1 ? argv[1] : "What is 67 * 75?";
    request.thinking = &thinking;

    auto model = make<reason_model>(reason_model_free, [](reason_model **out) {
        return reason_model_open(nullptr, nullptr, out);
    });
    auto session = make<reason_session>(reason_session_free, [&](reason_session **out) {
        return model ? reason_session_new(model.get(), nullptr, out) : REASON_ERR_MISMATCH;
    });
    auto result = make<reason_result>(reason_result_free, [&](reason_result **out) {
        return session ? reason_generate(session.get(), &request, out) : REASON_ERR_MISMATCH;
    });
    if (!result) {
        std::cerr << reason_last_error() << "\n";
        return 1;
    }
    std::cout << "thought: " << reason_result_thinking(result.get(), nullptr)
              << "\nanswer: " << reason_result_answer(result.get(), nullptr) << "\n";
}
