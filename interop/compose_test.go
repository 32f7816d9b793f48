package interop

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestCompose reads docker-compose.yml with the Compose project's own parser and holds what the file promises: pinned images,
// nothing published beyond loopback, no insecure mode, secrets in files, nothing more privileged than it must be.
func TestCompose(t *testing.T) {
	project := loadCompose(t, filepath.Join("..", "docker-compose.yml"))
	for _, name := range []string{"eventstore", "trillian-database", "trillian-log-server", "trillian-log-signer", "caseledger", "certificates"} {
		if _, ok := project.Services[name]; !ok {
			t.Errorf("no service %s", name)
		}
	}
	for _, problem := range checkCompose(t, project) {
		t.Error(problem)
	}
}

func TestComposeCheckNoticesEachBreak(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("..", "docker-compose.yml"))
	check(t, err)
	for _, c := range []struct{ from, to, want string }{
		{"eventstore/eventstore:24.2.0-jammy", "eventstore/eventstore:latest", "not pinned"},
		{"eventstore/eventstore:24.2.0-jammy", "eventstore/eventstore", "not pinned"},
		{"127.0.0.1:8080:8080", "8080:8080", "beyond loopback"},
		{"EVENTSTORE_RUN_PROJECTIONS: System", `EVENTSTORE_INSECURE: "true"`, "insecure"},
		{"POSTGRES_PASSWORD_FILE: /run/secrets/database_password", "POSTGRES_PASSWORD: hunter2", "secret in the environment"},
		{"--eventstore=@/run/secrets/eventstore_url", "--eventstore=esdb://admin:pw@eventstore:2113", "password in a command"},
		{"target: trillian-database", "target: nowhere", "no stage nowhere"},
		{"test: [CMD, pg_isready, -h, 127.0.0.1, -U, trillian, -d, trillian]", "disable: true", "no health check"},
		{`security_opt: ["no-new-privileges:true"]`, `security_opt: []`, "new privileges"},
	} {
		t.Run(c.to, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "docker-compose.yml")
			check(t, os.WriteFile(name, []byte(strings.Replace(string(good), c.from, c.to, 1)), 0o644))
			got := strings.Join(checkCompose(t, loadCompose(t, name)), "\n")
			if !strings.Contains(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("problems = %q, want one that contains %q", got, c.want)
			}
		})
	}
}

func loadCompose(t *testing.T, name string) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{name}, cli.WithProfiles([]string{"*"}), cli.WithEnv([]string{
		"ORIGIN=log2026.caseledger.example", "TREE=1", "OIDC_ISSUER=https://issuer.example", "OIDC_AUDIENCE=caseledger"}))
	check(t, err)
	project, err := options.LoadProject(t.Context())
	check(t, err)
	return project
}

var (
	pinned        = regexp.MustCompile(`^[^@]+:v?[0-9]+\.[0-9]+[^:]*$|@sha256:[0-9a-f]{64}$`)
	secretName    = regexp.MustCompile(`(?i)(password|secret|token|passphrase)$`)
	inlineSecret  = regexp.MustCompile(`://[^/@]*:[^/@]+@`)
	stage         = regexp.MustCompile(`(?mi)^FROM \S+ AS (\S+)$`)
	oneShot       = []string{"certificates", "create-tree", "create-ledger"}
	mayNeedRights = []string{"certificates", "trillian-database"}
)

// checkCompose returns a sentence for each promise that the project breaks.
func checkCompose(t *testing.T, project *types.Project) (problems []string) {
	t.Helper()
	report := func(service, format string, args ...any) {
		problems = append(problems, service+": "+fmt.Sprintf(format, args...))
	}
	for name, s := range project.Services {
		if s.Build == nil && !pinned.MatchString(s.Image) {
			report(name, "image %s is not pinned to a version", s.Image)
		}
		if s.Build != nil {
			problems = append(problems, checkStage(t, name, s.Build.Target)...)
		}
		for _, p := range s.Ports {
			if p.HostIP != "127.0.0.1" {
				report(name, "port %s is published beyond loopback", p.Published)
			}
		}
		for variable, value := range s.Environment {
			if strings.Contains(variable, "INSECURE") {
				report(name, "%s: insecure modes have no authentication", variable)
			}
			if secretName.MatchString(variable) && value != nil && *value != "" {
				report(name, "%s puts a secret in the environment; name a file", variable)
			}
		}
		for _, word := range append(slices.Clone([]string(s.Command)), s.Entrypoint...) {
			if inlineSecret.MatchString(word) || strings.Contains(word, "insecure") {
				report(name, "a password in a command, or an insecure mode: %s", word)
			}
		}
		if !slices.Contains(oneShot, name) && (s.HealthCheck == nil || s.HealthCheck.Disable) {
			report(name, "no health check")
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			report(name, "may gain new privileges")
		}
		if s.Privileged || !slices.Contains(s.CapDrop, "ALL") || (len(s.CapAdd) > 0 && !slices.Contains(mayNeedRights, name)) {
			report(name, "has capabilities that it does not need")
		}
	}
	for name, secret := range project.Secrets {
		if secret.File == "" {
			report(name, "a secret that is not a file")
		}
	}
	slices.Sort(problems)
	return problems
}

// checkStage tells whether deploy/Dockerfile has the stage that a service wants.
func checkStage(t *testing.T, service, target string) []string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "deploy", "Dockerfile"))
	check(t, err)
	for _, match := range stage.FindAllStringSubmatch(string(data), -1) {
		if match[1] == target {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: deploy/Dockerfile has no stage %s", service, target)}
}

// TestDockerfile holds that every base image is pinned, that the application runs as nobody in particular and without a shell, and
// that Trillian's version is the one of go.mod.
func TestDockerfile(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "deploy", "Dockerfile"))
	check(t, err)
	text := string(data)
	for _, match := range regexp.MustCompile(`(?m)^FROM (\S+) AS (\S+)$`).FindAllStringSubmatch(text, -1) {
		if image := match[1]; !pinned.MatchString(image) && !strings.HasPrefix(image, "gcr.io/distroless/") {
			t.Errorf("stage %s: image %s is not pinned to a version", match[2], image)
		}
	}
	application := text[strings.LastIndex(text, "\nFROM "):]
	if !strings.Contains(application, "distroless/static-debian12:nonroot AS caseledger") || !strings.Contains(application, "\nUSER 65532:65532\n") {
		t.Errorf("the last stage is not the application without root and shell:%s", application)
	}
	module, err := os.ReadFile(filepath.Join("..", "go.mod"))
	check(t, err)
	version := regexp.MustCompile(`github\.com/google/trillian (\S+)`).FindSubmatch(module)
	if version == nil || !strings.Contains(text, "ARG TRILLIAN="+string(version[1])+"\n") {
		t.Errorf("deploy/Dockerfile does not build the Trillian of go.mod (%s)", version)
	}
}
