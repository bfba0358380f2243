/* A folder of files that appears under its name whole or not at all: it is filled under
 * another name beside it, and renamed. */
#ifndef REASON_BASE_FOLDER_H
#define REASON_BASE_FOLDER_H

#include "base/status.h"

typedef struct rsn_folder {
    char *path, *beside; /* the target, and where files are put for now; NULL: none */
} rsn_folder;

/* Makes a folder beside the target. INVALID_ARG if the target is there, and no empty
 * folder; IO, NO_MEMORY. On failure there is nothing to abandon. */
reason_status rsn_folder_begin(const char *path, rsn_folder *folder);
/* "beside/name", to be freed; NULL without memory. */
char *rsn_folder_inside(const rsn_folder *folder, const char *name);
/* Gives the folder its name; whatever happens the struct is empty then, and on failure the
 * files are gone. */
reason_status rsn_folder_commit(rsn_folder *folder);
/* Takes the folder and the files in it away; fine after a commit and for a zeroed one. */
void rsn_folder_abandon(rsn_folder *folder);

#endif
