# `make demo`: the main job on a real model with real data, from nothing.

DEMO := $(BUILD)/demo
DATASET ?= $(firstword $(wildcard /usr/share/datasets/fashion-mnist /usr/share/dataset-fashion-mnist))
DEMO_DIR := docs/examples/fashion

.PHONY: demo
demo: deps
	@$(MAKE) --no-print-directory demo-run

.PHONY: demo-run
demo-run: all
	@mkdir -p $(DEMO)
	@echo '$$ mlc optimize $(DEMO_DIR)/fashion.onnx -t host -o $(DEMO)/fashion'
	@$(BUILD)/mlc optimize $(DEMO_DIR)/fashion.onnx -t host -o $(DEMO)/fashion
	@echo '$$ cc -O2 main.c fashion.o -lz -lm -lpthread -o demo && ./demo'
	@$(CC) -std=gnu11 -O2 -Wall -Wextra -I$(DEMO) $(DEMO_DIR)/main.c $(DEMO)/fashion.o -lz -lm -lpthread -o $(DEMO)/demo
	@$(DEMO)/demo $(DATASET)
	@printf 'size        %s bytes of object, %s bytes of model file\n' $$(stat -c %s $(DEMO)/fashion.o) $$(stat -c %s $(DEMO_DIR)/fashion.onnx)
	@echo; echo 'The call in your program (from $(DEMO)/fashion.h):'
	@sed -n '/^ \* Usage:/,/^ \*\//p' $(DEMO)/fashion.h | sed '1d;$$d;s/^ \*//'
