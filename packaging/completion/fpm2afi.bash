# Completion for bash: the words that fpm2afi and softvasic know themselves, else file names.
_fpm2afi() {
  local known
  # The programs give descriptions as well where the user's shell is zsh.
  known=$(SHELL=/bin/bash "${COMP_WORDS[0]}" --get-yargs-completions "${COMP_WORDS[@]}" 2>/dev/null)
  mapfile -t COMPREPLY < <(compgen -W "$known" -- "${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _fpm2afi fpm2afi softvasic
