package caseledger_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A goFile is what the layout rules need to know of one source file. The files are read here, not through the go tool: the
// test cache notices a file that a test opens, and build tags hide nothing.
type goFile struct {
	name, dir, pkg string
	imports        []string
	test, external bool // a _test.go file; one of a package named …_test
	nested         bool // in a module of its own below the root
	documented     bool
	declares       bool // holds more than a package clause and imports
	generated      bool
	lines          int
	longFunctions  []string
}

// checkLayout returns one sentence for each break of a rule.
func checkLayout(t *testing.T, fsys fs.FS) []string {
	t.Helper()
	files, problems := readTree(t, fsys)
	problems = append(problems, checkTop(t, fsys)...)
	for _, f := range files {
		problems = append(problems, checkSize(f)...)
		problems = append(problems, checkBans(f)...)
		if f.nested {
			if !f.test && f.declares {
				problems = append(problems, f.name+": a nested module holds tests only")
			}
			continue
		}
		problems = append(problems, checkImports(f)...)
	}
	problems = append(problems, checkReach(files)...)
	return append(problems, checkPackages(files)...)
}

func readTree(t *testing.T, fsys fs.FS) (files []goFile, problems []string) {
	t.Helper()
	nested := map[string]bool{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if skipFolder(name, d.Name()) {
				return fs.SkipDir
			}
			_, statErr := fs.Stat(fsys, path.Join(name, "go.mod"))
			nested[name] = nested[path.Dir(name)] || (name != "." && statErr == nil)
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		f, err := readFile(fsys, name)
		if err != nil {
			problems = append(problems, err.Error())
			return nil
		}
		f.nested = nested[f.dir]
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files, problems
}

func skipFolder(name, base string) bool {
	if name == "." {
		return false
	}
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata" || base == "node_modules" ||
		slices.Contains(builtFolders, name)
}

func readFile(fsys fs.FS, name string) (goFile, error) {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return goFile{}, err
	}
	set := token.NewFileSet()
	tree, err := parser.ParseFile(set, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return goFile{}, err
	}
	f := goFile{
		name: name, dir: path.Dir(name), pkg: tree.Name.Name,
		test:       strings.HasSuffix(name, "_test.go"),
		documented: tree.Doc.Text() != "",
		declares:   len(tree.Decls) > 0,
		generated:  ast.IsGenerated(tree),
		lines:      bytes.Count(src, []byte("\n")),
	}
	f.external = f.test && strings.HasSuffix(f.pkg, "_test")
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return goFile{}, fmt.Errorf("%s: import %s: %w", name, spec.Path.Value, err)
		}
		f.imports = append(f.imports, imported)
	}
	f.longFunctions = longFunctions(set, tree)
	return f, nil
}

func longFunctions(set *token.FileSet, tree *ast.File) (long []string) {
	for _, decl := range tree.Decls {
		function, ok := decl.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := set.Position(function.End()).Line - set.Position(function.Pos()).Line + 1
		if lines > maxFunctionLines {
			long = append(long, fmt.Sprintf("%s is %d lines", function.Name.Name, lines))
		}
	}
	return long
}

func checkTop(t *testing.T, fsys fs.FS) (problems []string) {
	t.Helper()
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !e.IsDir() || strings.HasPrefix(name, ".") || slices.Contains(builtFolders, name) || topFolders[name] != "" {
			continue
		}
		problems = append(problems, name+": no such folder in the architecture; put it below one of the folders that docs/design.md names")
	}
	return problems
}

func checkSize(f goFile) (problems []string) {
	if f.generated {
		return nil
	}
	if f.lines > maxFileLines {
		problems = append(problems, fmt.Sprintf("%s: %d lines; at most %d", f.name, f.lines, maxFileLines))
	}
	for _, function := range f.longFunctions {
		problems = append(problems, fmt.Sprintf("%s: %s; at most %d", f.name, function, maxFunctionLines))
	}
	return problems
}

func checkBans(f goFile) (problems []string) {
	for _, b := range bans {
		if !matches(f.dir, b.folders) || (!b.inTests && (f.test || slices.Contains(testSupport, f.dir))) {
			continue
		}
		for _, imported := range f.imports {
			if matches(imported, b.imports) {
				problems = append(problems, fmt.Sprintf("%s imports %s: %s", f.name, imported, b.reason))
			}
		}
	}
	return problems
}

func checkImports(f goFile) (problems []string) {
	rule, ok := ruleFor(f.dir)
	if !ok {
		return []string{fmt.Sprintf("%s: no import rule for %s; add one to layout_test.go with its reason", f.name, f.dir)}
	}
	if f.external {
		return nil
	}
	for _, imported := range f.imports {
		folder, ours := ourFolder(imported)
		if !ours || slices.Contains(testSupport, folder) || matches(folder, rule.may) {
			continue // a ban of its own keeps test support out of production
		}
		problems = append(problems, fmt.Sprintf("%s imports %s: %s", f.name, imported, rule.reason))
	}
	return problems
}

// ruleFor returns the most specific rule for a folder: one that names it, or else the longest "x/*" above it.
func ruleFor(dir string) (best importRule, found bool) {
	for _, rule := range importRules {
		if rule.folder == dir {
			return rule, true
		}
		if matches(dir, []string{rule.folder}) && (!found || len(rule.folder) > len(best.folder)) {
			best, found = rule, true
		}
	}
	return best, found
}

// matches tells whether name is one of patterns: "x" is itself, "x/*" all below it, "*" everything.
func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, wild := strings.CutSuffix(p, "*")
		return name == p || (wild && strings.HasPrefix(name, below))
	})
}

func ourFolder(imported string) (folder string, ours bool) {
	if imported == module {
		return ".", true
	}
	return strings.CutPrefix(imported, module+"/")
}

// checkReach follows the imports of production files from each reachRule's package, and reports a break at the file that causes
// it, unless an import rule has said so of the same file already.
func checkReach(files []goFile) (problems []string) {
	byFolder := map[string][]goFile{}
	for _, f := range files {
		if !f.test && !f.nested {
			byFolder[f.dir] = append(byFolder[f.dir], f)
		}
	}
	for _, rule := range reachRules {
		seen := map[string]bool{rule.from: true}
		for queue := []string{rule.from}; len(queue) > 0; queue = queue[1:] {
			for _, f := range byFolder[queue[0]] {
				if len(checkImports(f)) > 0 {
					continue
				}
				for _, imported := range f.imports {
					folder, ours := ourFolder(imported)
					switch {
					case ours && folder == rule.never, !ours && !rule.permits(imported):
						problems = append(problems, fmt.Sprintf("%s imports %s, and %s needs it: %s", f.name, imported, rule.from, rule.reason))
					case ours && !seen[folder]:
						seen[folder] = true
						queue = append(queue, folder)
					}
				}
			}
		}
	}
	return problems
}

// permits tells whether a package that is not ours may be drawn in; the standard library's have no dot in their first element.
func (r reachRule) permits(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return r.onlyOthers == nil || !strings.Contains(first, ".") || slices.Contains(r.onlyOthers, imported)
}

func checkPackages(files []goFile) (problems []string) {
	documented, production := map[string]bool{}, map[string]string{}
	for _, f := range files {
		documented[f.dir] = documented[f.dir] || (f.documented && !f.test)
		if !f.test {
			production[f.dir] = f.pkg
		}
	}
	for dir, pkg := range production {
		if !documented[dir] {
			problems = append(problems, dir+": no package comment")
		}
		if slices.Contains(vagueNames, pkg) {
			problems = append(problems, fmt.Sprintf("%s: the name %s says nothing about what the package is for", dir, pkg))
		}
	}
	slices.Sort(problems)
	return problems
}
