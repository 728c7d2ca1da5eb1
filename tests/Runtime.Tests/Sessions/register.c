/* Loads ONNX Runtime by its C interface, registers the library of operators given by its path, and runs a model of one
   int64 input and one float output; writes the output's elements to a file.
   register RUNTIME-LIBRARY OPERATORS-LIBRARY|- ACTIVATIONS|- MODEL OUTPUT-FILE ROWS COLUMNS
   Exit status 3, with ONNX Runtime's message, when it refuses something. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "onnxruntime_c_api.h"

static const OrtApi *api;

static void check(OrtStatus *status)
{
    if (status != NULL) {
        fprintf(stderr, "%s\n", api->GetErrorMessage(status));
        api->ReleaseStatus(status);
        exit(3);
    }
}

static void run(OrtEnv *env, char **argv)
{
    OrtSessionOptions *options;
    check(api->CreateSessionOptions(&options));
    if (strcmp(argv[3], "-") != 0)
        check(api->AddSessionConfigEntry(options, "ai.lorq.activations", argv[3]));
    if (strcmp(argv[2], "-") != 0)
        check(api->RegisterCustomOpsLibrary_V2(options, argv[2]));
    OrtSession *session;
    check(api->CreateSession(env, argv[4], options, &session));
    api->ReleaseSessionOptions(options);

    int64_t dims[2] = {atoll(argv[6]), atoll(argv[7])};
    size_t count = (size_t)(dims[0] * dims[1]);
    int64_t *ids = malloc(count * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = (int64_t)(7 * i % 400);
    OrtMemoryInfo *memory;
    check(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory));
    OrtValue *input, *output = NULL;
    check(api->CreateTensorWithDataAsOrtValue(memory, ids, count * sizeof *ids, dims, 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64, &input));
    const char *inputs[] = {"ids"}, *outputs[] = {"y"};
    check(api->Run(session, NULL, inputs, (const OrtValue *const *)&input, 1, outputs, 1, &output));

    OrtTensorTypeAndShapeInfo *shape;
    size_t elements;
    float *data;
    check(api->GetTensorTypeAndShape(output, &shape));
    check(api->GetTensorShapeElementCount(shape, &elements));
    check(api->GetTensorMutableData(output, (void **)&data));
    FILE *file = fopen(argv[5], "wb");
    if (file == NULL || fwrite(data, sizeof *data, elements, file) != elements || fclose(file) != 0)
        exit(4);

    api->ReleaseTensorTypeAndShapeInfo(shape);
    api->ReleaseValue(output);
    api->ReleaseValue(input);
    api->ReleaseMemoryInfo(memory);
    api->ReleaseSession(session); /* with it ONNX Runtime lets go of the library */
    free(ids);
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 4;
    }
    const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(library, "OrtGetApiBase");
    api = base()->GetApi(20);
    OrtEnv *env;
    check(api->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "register", &env));
    run(env, argv);
    run(env, argv); /* registered, released, registered again */
    api->ReleaseEnv(env);
    return 0;
}
