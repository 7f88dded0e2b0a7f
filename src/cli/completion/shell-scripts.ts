// The completion scripts of `swob completion`. Each asks `swob __complete` for candidates, so that a script stays valid
// when swob is upgraded.

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

const bash = `# Completion of swob in bash.
_swob() {
  local rest=$COMP_LINE words=() found=() i word current line before
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # Bash splits words at = and :, and swob does not.
    if ((i > 0)) && [[ $rest != [[:space:]]* ]]; then
      words[\${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    rest=\${rest#"\${rest%%[![:space:]]*}"}
    rest=\${rest#"$word"}
  done
  current=\${words[\${#words[@]} - 1]}
  COMPREPLY=()
  while IFS=$'\\t' read -r line _; do
    case $line in
      :files* | :folders*)
        before=\${line#:files}
        before=\${before#:folders}
        i=-f
        [[ $line != :folders* ]] || i=-d
        # Readline would quote the @ of @file.
        [[ $before == *@ ]] || compopt -o filenames 2>/dev/null
        while IFS= read -r line; do
          if [[ $before == *@ ]]; then
            word=$line
            printf -v line %q "$line"
            [[ ! -d $word ]] || { line+=/ && compopt -o nospace 2>/dev/null; }
          fi
          found+=("$before$line")
        done < <(compgen "$i" -- "\${current#"$before"}")
        ;;
      *)
        [[ $line != *= ]] || compopt -o nospace 2>/dev/null
        found+=("$line")
        ;;
    esac
  done < <("\${words[0]/#\\~/$HOME}" __complete -- "\${words[@]:1}" 2>/dev/null)
  ((\${#found[@]})) || return 0
  # Readline replaces only the part after the last = or :.
  before=\${current%"$2"}
  COMPREPLY=("\${found[@]#"$before"}")
}
complete -F _swob swob
`;

const zsh = `#compdef swob
# Completion of swob in zsh.
_swob() {
  local line before value
  local -a values unfinished
  for line in "\${(@f)$("\${(Q)words[1]/#\\~/$HOME}" __complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
      '') ;;
      :files*)
        before=\${line#:files}
        [[ -z $before ]] || compset -P "\${(b)before}"
        _files
        return
        ;;
      :folders*)
        before=\${line#:folders}
        [[ -z $before ]] || compset -P "\${(b)before}"
        _files -/
        return
        ;;
      *)
        value=\${line%%$'\\t'*}
        line=\${value//:/\\\\:}\${line#"$value"}
        line=\${line/$'\\t'/:}
        if [[ $value == *= ]]; then unfinished+=("$line"); else values+=("$line"); fi
        ;;
    esac
  done
  (( ! $#values )) || _describe swob values
  (( ! $#unfinished )) || _describe swob unfinished -S ''
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _swob "$@"
else
  compdef _swob swob
fi
`;

const fish = `# Completion of swob in fish.
function __swob_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    for line in ($program __complete -- $words "$current" 2>/dev/null)
        if string match -q ':files*' -- $line
            set -l before (string sub -s 7 -- $line)
            for path in (__fish_complete_path (string replace -- "$before" '' "$current"))
                printf '%s\\n' "$before$path"
            end
        else if string match -q ':folders*' -- $line
            set -l before (string sub -s 9 -- $line)
            for path in (__fish_complete_directories (string replace -- "$before" '' "$current"))
                printf '%s\\n' "$before$path"
            end
        else
            printf '%s\\n' $line
        end
    end
end
complete -c swob -f -a '(__swob_complete)'
`;

export const shellScripts: Readonly<Record<Shell, string>> = { bash, zsh, fish };
