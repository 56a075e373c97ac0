/* A program that knows compiled models only by the installed header: prints what one takes. */
#include <mlc/mlc_abi.h>
#include <stdio.h>

extern const mlc_model_v1 fashion_model;

int main(void)
{
    printf("%s, %s\n", fashion_model.inputs[0].name, fashion_model.outputs[0].name);
    return 0;
}
