use proptest::prelude::*;

use super::lexer::spots;
use super::spot::{Refusal, Spot};

/// The spots of a script in which `@` stands for a value.
fn read(script: &str) -> Vec<Result<Spot, Refusal>> {
    let (mut code, mut holes) = (String::new(), Vec::new());
    for char in script.chars() {
        match char {
            '@' => holes.push(code.len()),
            _ => code.push(char),
        }
    }
    spots(&code, &holes)
}

fn check(expected: Result<Spot, Refusal>, scripts: &[&str]) {
    for script in scripts {
        let found = read(script);
        assert!(!found.is_empty());
        assert!(found.iter().all(|spot| *spot == expected), "{script}: {found:?}");
    }
}

#[test]
fn outside_of_quotes() {
    check(
        Ok(Spot::Bare),
        &[
            "echo @",
            "@",
            "a@b",
            "@@",
            "x=@",
            "x=@ y=@ cmd",
            "echo 'a'@'b'",
            "echo \"a\"@",
            "(echo @)",
            "$(echo @)",
            "\"$(echo @)\"",
            "`echo @`",
            "\"`echo @`\"",
            "echo ${x:-@}",
            "echo ${x#@}",
            "echo \"${x#@}\"",
            "echo \"${x/a/@}\"",
            "echo x#@",
            "echo $# @",
            "echo $$ @",
            "echo ${#x} @",
            "echo \\' @",
            "echo \\\\@",
            "# it's\necho @",
            "if [ @ = @ ]; then echo @; fi",
            "case @ in a) echo @;; (b) echo @;; esac",
            "$(case a in a) echo @;; b|c) echo @;; esac; echo @)",
            "for x in @ @; do echo @; done",
            "f() { echo @; }",
            "cat <<EOF\n'\nEOF\necho @",
            "cat <<'EOF'\n\"`$(\nEOF\necho @",
            "cat <<-EOF\n\tx\n\tEOF\necho @",
            "cat <<A <<B\n'\nA\n'\nB\necho @",
            "$(cat <<EOF\n)'\nEOF\n)@",
            "cat <<EOF @\nEOF\n",
            "cat <<<@",
            "cat < @ > @",
            "echo $'it\\'s' @",
            "x=(@ @)",
            "[[ @ == @ ]]",
            "[[ -n @ ]]; test @ -eq 3",
            "[[ $(wc -l < @) -gt 3 ]]",
            "echo $((1 + 2)) @",
            "echo $((1 + $(cat @)))",
            "((x++)); echo @",
            "echo let @",
            "echo a; echo '#' @",
            "echo a[1] @",
            "echo [@",
            "echo a \\\n @",
            "diff <(echo @) <(echo @)",
            "echo ${x[1]:-@}",
            "cat <<EOF; echo @\nx\nEOF",
        ],
    );
}

#[test]
fn inside_double_quotes() {
    check(
        Ok(Spot::Quoted),
        &[
            "echo \"@\"",
            "echo \"a'@'b\"",
            "echo \"\\\"@\"",
            "echo \"\\\\@\"",
            "echo \"${x:-@}\"",
            "echo \"$x@\"",
            "\"$(echo \"@\")\"",
            "echo \"#@\"",
            "echo \"$(echo 'a\"')@\"",
            "echo \"${x:-\"@\"}\"",
            "cat <<EOF\n${x:-@}\nEOF",
            "echo \"a\nb @\"",
            "echo $\"@\"",
        ],
    );
}

#[test]
fn inside_here_documents() {
    check(
        Ok(Spot::Document),
        &[
            "cat <<EOF\n@\nEOF\n",
            "cat << EOF\n\"@\" '@'\nEOF@\n@EOF\n@",
            "cat <<-EOF\n\t@\n\tEOF",
            "cat <<EOF\nEOF \n@",
            "$(cat <<EOF\n@\nEOF\n)",
            "cat <<A <<B\n@\nA\n@\nB\n",
            "# @",
            "echo a # '@",
        ],
    );
}

#[test]
fn where_a_value_would_be_evaluated_unexpectedly() {
    check(
        Err(Refusal::Arithmetic),
        &[
            "a[b[0]+@]=1",
            "a=([b[0]+@]=1)",
            "for x do let @; done",
            "for x in a; do let @; done",
            "for ((;;)) do let @; done",
            "select x do let @; done",
            "if [[ a ]] then let @; fi",
            "while [[ a ]] do let @; done",
            "if case a in a) b;; esac then let @; fi",
            "case a in (esac) b;; a) let @;; esac",
            "for ((;;)) { let @; }",
            "SRANDOM=@",
            "for OPTIND in @; do a; done",
            "read -r OPTIND <<< @",
            "printf -v RANDOM %s @",
            "declare -i n; n=@",
            "while a; do n=@; typeset -i n; done",
            "f() { local -i n=1 m; m=@; }",
            "declare -i n; read n <<< @",
            "declare -a \"a=(@)\"",
            "declare 'a=('\"@)\"",
            "compgen -W @",
            "repeat @ a",
        ],
    );
    check(
        Err(Refusal::SplitSigns),
        &[
            "(\\\n( x = @ ))",
            "echo $(\\\n( @ ))",
            "echo $(\\\n\\\n( @ ))",
            "echo \"$(((1)\\\n) ; let @)\"",
            "$(case a in a) b;\\\n; c) let @;; esac)",
        ],
    );
    check(Ok(Spot::Bare), &["a && \\\n (b @)", "a \\\n | b @", "a |\\\nb @", "for x in do; do echo @; done"]);
}

#[test]
fn where_no_value_can_stand() {
    check(
        Err(Refusal::SingleQuotes),
        &["echo '@'", "\"$(echo '@')\"", "echo $'@'", "echo 'a\"@\"'", "${x:-'@'}"],
    );
    check(
        Err(Refusal::QuotedDocument),
        &["cat <<'EOF'\n@\nEOF", "cat <<\"EOF\"\n@\nEOF", "cat <<\\EOF\n@\nEOF"],
    );
    check(Err(Refusal::Backslash), &["echo \\@", "echo \"\\@\"", "cat <<EOF\n\\@\nEOF", "echo \\\\\\@"]);
    check(Err(Refusal::Dollar), &["echo $@", "echo \"$@\"", "cat <<EOF\n$@\nEOF"]);
    check(
        Err(Refusal::Arithmetic),
        &[
            "echo $((@))",
            "echo $((1 + (2 * @)))",
            "echo \"$((@ + 1))\"",
            "((@))",
            "for ((i = @;;)); do a; done",
            "echo $[@]",
            "let @",
            "let x=@",
            "let \"x=@\"",
            "a[@]=1",
            "a[\"@\"]=1",
            "echo ${a[@]}",
            "echo ${a:@}",
            "echo ${a:1:@}",
            "echo ${a:@-1}",
            "[[ @ -eq 3 ]]",
            "[[ 3 -gt \"@\" ]]",
            "[[ ( @ -lt 3 ) && a ]]",
            "[[ -v @ ]]",
            "cat <<EOF\n$((@))\nEOF",
            "unset a[@]",
        ],
    );
    check(Err(Refusal::DocumentEnd), &["cat <<@\n", "cat <<E@F\n", "cat <<-\"@\"\n"]);
    check(Err(Refusal::Name), &["echo ${@}", "echo ${a@}", "echo ${#@}", "echo ${!@}"]);
    check(Err(Refusal::Backticks), &["`echo \\\"@\\\"`", "`echo \\`echo @\\``"]);
}

#[test]
fn values_beside_what_is_evaluated() {
    check(
        Ok(Spot::Bare),
        &[
            "export a=@ b=\"c\"@",
            "local a+=@; declare -r b=@",
            "read -p @ a; read -r a <<<@",
            "read a < <(echo @)",
            "let x=1; echo @",
            "let x=1 > @",
            "printf %s @; test @ = -v; [ -n @ ]",
            "function f { echo @; }; coproc echo @",
            "time -p echo @",
            "a=([1]=@ @)",
            "echo 5&>@",
        ],
    );
}

#[test]
fn what_shells_evaluate_is_found_in_any_writing() {
    check(
        Err(Refusal::Arithmetic),
        &[
            "echo $((${x:-@}))",
            "echo ${a[${x:-@}]}",
            "echo ${a:${x:-@}:1}",
            "cat <<EOF\n$((${x:-@}))\nEOF",
            "for((;;@)); do a; done",
            "if((@)); then a; fi",
            "while((@)); do a; done",
            "a=([@]=1)",
            "a+=(b\n[@]=1)",
            "declare -a a=(b [\"@\"]=1)",
            "a[\"]\"@]=1",
            ": {a[@]}>b",
            "declare -i n=@",
            "local -r -xi n=@",
            "\\typeset \"-i\" n=@",
            "declare -i n=(1 @)",
            "declare -i a=(1) n=@",
            "declare -n x=@",
            "OPTIND=@",
            "export PS4=@",
            "time -p [[ @ -eq 1 ]]",
            "function f { [[ @ -eq 1 ]]; }",
            "coproc [[ @ -eq 1 ]]",
            "coproc c { [[ @ -eq 1 ]]; }",
            "coproc let @",
            "builtin let @",
            "command -p let @",
            "\\let @",
            "l\"e\"'t' @",
            ">a let @",
            "2>/dev/null let @",
            "let 1 >&2 @",
            "let 1 &>a @",
            "let 1 <(b) @",
        ],
    );
    check(
        Err(Refusal::Name),
        &[
            "declare @=1",
            "declare \"@=1\"",
            "export \"a[@]=1\"",
            "declare \"a[b=@]=1\"",
            "unset \"a[@]\"",
            "wait -n -p \"@\"",
            "unset @",
            "read @",
            "read -r \"a[@]\"",
            "printf -v @ a",
            "printf -v\"@\" a",
            "test -v @",
            "[ ! -v @ ]",
        ],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]
    #[test]
    fn every_value_gets_its_spot(script in r#"[a@ \n'"`$(){}\[\];&|<>#\\=:-]{0,60}"#) {
        prop_assert_eq!(read(&script).len(), script.matches('@').count());
    }
}
