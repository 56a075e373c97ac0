# `make install [PREFIX=/usr/local] [DESTDIR=]`, `make uninstall`, `make deb`.
#
# INSTALLED_* name every file below PREFIX once: staging, installing and removing follow from them.
# mlc finds its own programs in ../libexec/mlc, the CMake package and mlc.pc find mlc relative to
# themselves, so an installed tree may be moved.

PREFIX  ?= /usr/local
DESTDIR ?=
ZSH_DIR ?= share/zsh/site-functions

INSTALLED_PROGRAMS := bin/mlc $(addprefix libexec/mlc/,mlc-codegen mlc-runner mlc-runner-jit)
INSTALLED_DATA := share/man/man1/mlc.1 \
    share/bash-completion/completions/mlc $(ZSH_DIR)/_mlc share/fish/vendor_completions.d/mlc.fish \
    include/mlc/mlc_abi.h include/mlc/mlc_custom.h lib/pkgconfig/mlc.pc \
    $(addprefix lib/cmake/mlc/,mlcConfig.cmake mlcConfigVersion.cmake)
INSTALLED_FOLDERS := libexec/mlc include/mlc lib/cmake/mlc

STAGE := $(BUILD)/stage
STAGED := $(addprefix $(STAGE)/,$(INSTALLED_PROGRAMS) $(INSTALLED_DATA))

$(STAGE)/bin/mlc: $(BUILD)/mlc
$(STAGE)/libexec/mlc/%: $(BUILD)/%
	@mkdir -p $(@D) && cp $< $@
$(STAGE)/include/mlc/mlc_abi.h: runtime/mlc_abi.h
$(STAGE)/include/mlc/mlc_custom.h: runtime/mlc_custom.h
$(STAGE)/lib/cmake/mlc/%: make/install/%
	@mkdir -p $(@D) && sed 's/@VERSION@/$(VERSION)/g' $< > $@
$(STAGE)/lib/pkgconfig/%: make/install/%
	@mkdir -p $(@D) && sed 's/@VERSION@/$(VERSION)/g' $< > $@
$(STAGE)/bin/mlc $(STAGE)/include/mlc/mlc_abi.h $(STAGE)/include/mlc/mlc_custom.h:
	@mkdir -p $(@D) && cp $< $@

$(STAGE)/share/man/man1/mlc.1: $(BUILD)/mlc
	@mkdir -p $(@D) && $< help --man > $@
$(STAGE)/share/bash-completion/completions/mlc: $(BUILD)/mlc
	@mkdir -p $(@D) && $< completion bash > $@
$(STAGE)/$(ZSH_DIR)/_mlc: $(BUILD)/mlc
	@mkdir -p $(@D) && $< completion zsh > $@
$(STAGE)/share/fish/vendor_completions.d/mlc.fish: $(BUILD)/mlc
	@mkdir -p $(@D) && $< completion fish > $@

.PHONY: install
install: all $(STAGED)
	@for f in $(INSTALLED_PROGRAMS); do install -D -m 755 $(STAGE)/$$f "$(DESTDIR)$(PREFIX)/$$f" || exit 1; done
	@for f in $(INSTALLED_DATA); do install -D -m 644 $(STAGE)/$$f "$(DESTDIR)$(PREFIX)/$$f" || exit 1; done
	@echo "installed $(words $(STAGED)) files below $(DESTDIR)$(PREFIX)"

# Folders that others use too stay, even empty.
.PHONY: uninstall
uninstall:
	@for f in $(INSTALLED_PROGRAMS) $(INSTALLED_DATA); do rm -f "$(DESTDIR)$(PREFIX)/$$f" || exit 1; done
	@for d in $(INSTALLED_FOLDERS); do \
	  [ ! -d "$(DESTDIR)$(PREFIX)/$$d" ] || rmdir --ignore-fail-on-non-empty "$(DESTDIR)$(PREFIX)/$$d"; done
	@echo "removed what mlc installed below $(DESTDIR)$(PREFIX)"

.PHONY: deb
deb: all
	@LLVM_MAJOR=$(LLVM_MAJOR) make/install/deb.sh $(BUILD) $(VERSION)

.PHONY: install-test
install-test: all
	@test/install/run.sh $(BUILD)
