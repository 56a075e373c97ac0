# `make deps` installs what is missing from Debian packages, by name; nothing when all is there.

LLVM_PACKAGES := $(if $(LLVM_CONFIG),$(foreach v,$(LLVM_MAJOR),llvm-$v-dev clang-$v libclang-rt-$v-dev),\
    llvm-22-dev clang-22 libclang-rt-22-dev)
PACKAGES := gcc make pkg-config $(LLVM_PACKAGES) libprotobuf-c-dev protobuf-c-compiler libonnx-dev \
    libopenblas-dev libcmocka-dev libjansson-dev libsodium-dev libxxhash-dev zlib1g-dev \
    libonnx-testdata dataset-fashion-mnist \
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user strace jq file binutils python3-minimal

.PHONY: deps
deps:
	@missing=""; for p in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	if [ -n "$$missing" ]; then \
	  sudo=""; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  echo "$$sudo apt-get install -y --no-install-recommends$$missing"; \
	  $$sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -q -y --no-install-recommends $$missing; \
	fi
