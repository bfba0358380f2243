/* Ask the model that ships a question; give it 128 tokens to think. */
#include <reason/reason.h>
#include <stdio.h>

int main(int argc, char **argv) {
    reason_model *model = NULL;
    reason_session *session = NULL;
    reason_result *result = NULL;
    reason_request request;
    reason_thinking thinking;
    reason_request_init(&request, sizeof request);
    reason_thinking_init(&thinking, sizeof thinking);
    thinking.budget = 128;
    request.prompt = argc > 1 ? argv[1] : "What is 67 * 75?";
    request.thinking = &thinking;
    if (reason_model_open(NULL, NULL, &model) == REASON_OK &&
        reason_session_new(model, NULL, &session) == REASON_OK &&
        reason_generate(session, &request, &result) == REASON_OK)
        printf("thought: %s\nanswer: %s\n", reason_result_thinking(result, NULL),
               reason_result_answer(result, NULL));
    else
        fprintf(stderr, "%s\n", reason_last_error());
    reason_result_free(result);
    reason_session_free(session);
    reason_model_free(model);
    return result ? 0 : 1;
}
