// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klamm-io/klamm/core/status"
	"github.com/klamm-io/klamm/sdk"
)

func TestManifestKinds(t *testing.T) {
	want := map[string]string{
		"ConfigMap": "v1", "Secret": "v1", "ServiceAccount": "v1", "Service": "v1",
		"Deployment": "apps/v1", "PodDisruptionBudget": "policy/v1",
	}
	got := map[string]string{}
	labels := map[string]string{"app.kubernetes.io/name": "klamm"}
	for kind, m := range manifests(t) {
		got[kind] = m.APIVersion
		if m.Metadata.Name != "klamm" || !maps.Equal(m.Metadata.Labels, labels) {
			t.Errorf("%s is named %s and labelled %v", kind, m.Metadata.Name, m.Metadata.Labels)
		}
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestManifestConfiguration: the files in the ConfigMap are valid with what the
// Secret puts into the environment, use all of it, and fit into the pod.
func TestManifestConfiguration(t *testing.T) {
	all := manifests(t)
	files := all["ConfigMap"].Data
	cfg := load(t, files, all["Secret"].StringData)
	for name := range all["Secret"].StringData {
		if !slices.ContainsFunc(slices.Collect(maps.Values(files)), func(text string) bool { return strings.Contains(text, `env("`+name+`")`) }) {
			t.Errorf("the secret %s is used nowhere", name)
		}
	}
	p := all["Deployment"].Spec.Template.Spec
	var memory sdk.Bytes
	for _, pipeline := range cfg.Pipelines {
		memory += pipeline.Settings.Memory
		drain := time.Duration(pipeline.Settings.ShutdownTimeout)
		if grace := time.Duration(p.GracePeriod) * time.Second; grace <= drain {
			t.Errorf("a stop gets %s, and %s may drain for %s", grace, pipeline.Name, drain)
		}
	}
	resources := p.Containers[0].Resources
	if request, limit := mebibytes(t, resources.Requests.Memory), mebibytes(t, resources.Limits.Memory); memory >= request || request >= limit {
		t.Errorf("the pipelines' %d < the request's %d < the limit's %d does not hold", memory, request, limit)
	}
}

func mebibytes(t *testing.T, quantity string) sdk.Bytes {
	t.Helper()
	number, ok := strings.CutSuffix(quantity, "Mi")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		t.Fatalf("%q is no number of Mi", quantity)
	}
	return sdk.Bytes(n) << 20
}

// TestManifestPod: what names something else names what is there.
func TestManifestPod(t *testing.T) {
	all := manifests(t)
	p := all["Deployment"].Spec.Template.Spec
	if len(p.Containers) != 1 || len(p.Volumes) != 1 {
		t.Fatalf("%d containers and %d volumes", len(p.Containers), len(p.Volumes))
	}
	c, v := p.Containers[0], p.Volumes[0]
	port := checkRun(t, c.Args)
	if len(c.Ports) != 1 || strconv.Itoa(c.Ports[0].ContainerPort) != port {
		t.Errorf("the ports are %v, and it listens on %s", c.Ports, port)
	}
	checkProbe(t, c, c.Liveness, "/healthz")
	checkProbe(t, c, c.Readiness, "/readyz")
	if m := c.Mounts[0]; len(c.Mounts) != 1 || m.MountPath != configDir || m.Name != v.Name || !m.ReadOnly {
		t.Errorf("the mounts are %v", c.Mounts)
	}
	if v.ConfigMap.Name != all["ConfigMap"].Metadata.Name || c.EnvFrom[0].SecretRef.Name != all["Secret"].Metadata.Name ||
		p.ServiceAccount != all["ServiceAccount"].Metadata.Name {
		t.Error("the pod names a ConfigMap, a Secret or a ServiceAccount that is not there")
	}
}

func checkProbe(t *testing.T, c container, p probe, path string) {
	t.Helper()
	if p.HTTPGet.Path != path || p.HTTPGet.Port != c.Ports[0].Name || p.Timeout >= p.Period {
		t.Errorf("the probe is %+v, want one of %s at port %s", p, path, c.Ports[0].Name)
	}
	if !slices.ContainsFunc(status.Routes(), func(r status.Route) bool { return r.Path == path }) {
		t.Errorf("klamm does not serve %s", path)
	}
}

// TestManifestSecurity: the pod is admitted under the restricted Pod Security
// Standard, with the user of the image.
func TestManifestSecurity(t *testing.T) {
	all := manifests(t)
	p := all["Deployment"].Spec.Template.Spec
	c := p.Containers[0]
	user := strconv.Itoa(p.Security.RunAsUser) + ":" + strconv.Itoa(p.Security.RunAsGroup)
	if want := only(t, dockerfile(t), 1, "USER"); user != want || !p.Security.RunAsNonRoot {
		t.Errorf("it runs as %s, and the image as %s", user, want)
	}
	off := func(b *bool) bool { return b != nil && !*b }
	if p.Security.Seccomp.Type != "RuntimeDefault" || !off(c.Security.Escalation) || !c.Security.ReadOnlyRoot ||
		!slices.Equal(c.Security.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container may too much: %+v", c.Security)
	}
	if !off(p.Automount) || !off(all["ServiceAccount"].Automount) {
		t.Error("it gets a token it has no use for")
	}
}

// TestManifestSelectors: budget, service and deployment mean the same pods, and
// a process that is not ready can be scraped.
func TestManifestSelectors(t *testing.T) {
	all := manifests(t)
	d := all["Deployment"].Spec
	labels := d.Template.Metadata.Labels
	var deployment, budget selector
	service := map[string]string{}
	for kind, into := range map[string]any{"Deployment": &deployment, "PodDisruptionBudget": &budget, "Service": &service} {
		node := all[kind].Spec.Selector
		if err := node.Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	for _, selected := range []map[string]string{deployment.MatchLabels, budget.MatchLabels, service, d.Template.Spec.Spread[0].LabelSelector.MatchLabels} {
		if len(selected) == 0 || !maps.Equal(selected, labels) {
			t.Errorf("%v selects other pods than those labelled %v", selected, labels)
		}
	}
	if b := all["PodDisruptionBudget"].Spec; d.Replicas < 2 || b.MaxUnavailable >= d.Replicas || b.UnhealthyPolicy != "AlwaysAllow" {
		t.Errorf("of %d processes %d may be away", d.Replicas, b.MaxUnavailable)
	}
	s, port := all["Service"], d.Template.Spec.Containers[0].Ports[0]
	annotations := map[string]string{
		"prometheus.io/scrape": "true", "prometheus.io/port": strconv.Itoa(port.ContainerPort), "prometheus.io/path": "/metrics",
	}
	if !maps.Equal(s.Metadata.Annotations, annotations) {
		t.Errorf("the annotations are %v, want %v", s.Metadata.Annotations, annotations)
	}
	if p := s.Spec.Ports[0]; p.Port != port.ContainerPort || p.TargetPort != port.Name || s.Spec.ClusterIP != "None" || !s.Spec.PublishNotReady {
		t.Errorf("the service is %+v", s.Spec)
	}
}
