/* What the examples that count right answers share: questions from a file, and intervals. */
#ifndef EXAMPLES_QUESTIONS_H
#define EXAMPLES_QUESTIONS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_QUESTIONS = 10000, MAX_LINE = 1024 };

typedef struct question {
    char text[MAX_LINE];
    const char *answer; /* inside text */
    int hard;           /* the fourth column says so */
} question;

/* Lines of question, answer, kind and hard or easy, with a tab between two. */
static inline size_t read_questions(const char *path, question *questions, size_t most) {
    size_t n = 0;
    FILE *file = fopen(path, "r");
    while (file && n < most && fgets(questions[n].text, MAX_LINE, file)) {
        char *tab = strchr(questions[n].text, '\t');
        if (!tab)
            continue;
        *tab = '\0';
        questions[n].hard = strstr(tab + 1, "\thard") != NULL;
        tab[1 + strcspn(tab + 1, "\t\n")] = '\0';
        questions[n++].answer = tab + 1;
    }
    if (file)
        fclose(file);
    return n;
}

/* The 95% interval of a share (Wilson). */
static inline void interval(double right, double n, double *low, double *high) {
    double z = 1.96, p = right / n;
    double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
    *low = middle - half;
    *high = middle + half;
}

#endif
