// SPDX-License-Identifier: Apache-2.0

package deploy

import (
	"errors"
	"io"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// manifest is a document of deploy/kubernetes.yaml. The fields are those that
// the file uses, as the API spells them; any other is an error.
type manifest struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   metadata
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
	Type       string
	Automount  *bool `yaml:"automountServiceAccountToken"`
	Spec       spec
}

type metadata struct {
	Name        string
	Labels      map[string]string
	Annotations map[string]string
}

type selector struct {
	MatchLabels map[string]string `yaml:"matchLabels"`
}

// spec is that of a Deployment, a PodDisruptionBudget or a Service. The latter
// has its labels where the others have a matchLabels.
type spec struct {
	Replicas int
	Selector yaml.Node
	Strategy struct {
		Type          string
		RollingUpdate struct {
			MaxUnavailable int `yaml:"maxUnavailable"`
			MaxSurge       int `yaml:"maxSurge"`
		} `yaml:"rollingUpdate"`
	}
	Template struct {
		Metadata metadata
		Spec     pod
	}

	MaxUnavailable  int    `yaml:"maxUnavailable"`
	UnhealthyPolicy string `yaml:"unhealthyPodEvictionPolicy"`

	ClusterIP       string `yaml:"clusterIP"`
	PublishNotReady bool   `yaml:"publishNotReadyAddresses"`
	Ports           []struct {
		Name       string
		Port       int
		TargetPort string `yaml:"targetPort"`
	}
}

type pod struct {
	ServiceAccount string `yaml:"serviceAccountName"`
	Automount      *bool  `yaml:"automountServiceAccountToken"`
	ServiceLinks   *bool  `yaml:"enableServiceLinks"`
	GracePeriod    int    `yaml:"terminationGracePeriodSeconds"`
	Security       struct {
		RunAsNonRoot bool                  `yaml:"runAsNonRoot"`
		RunAsUser    int                   `yaml:"runAsUser"`
		RunAsGroup   int                   `yaml:"runAsGroup"`
		Seccomp      struct{ Type string } `yaml:"seccompProfile"`
	} `yaml:"securityContext"`
	Spread []struct {
		MaxSkew           int      `yaml:"maxSkew"`
		TopologyKey       string   `yaml:"topologyKey"`
		WhenUnsatisfiable string   `yaml:"whenUnsatisfiable"`
		LabelSelector     selector `yaml:"labelSelector"`
	} `yaml:"topologySpreadConstraints"`
	Containers []container
	Volumes    []struct {
		Name      string
		ConfigMap struct{ Name string } `yaml:"configMap"`
	}
}

type container struct {
	Name, Image string
	Args        []string
	EnvFrom     []struct {
		SecretRef struct{ Name string } `yaml:"secretRef"`
	} `yaml:"envFrom"`
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Resources struct {
		Requests, Limits struct{ CPU, Memory string }
	}
	Security struct {
		Escalation   *bool `yaml:"allowPrivilegeEscalation"`
		ReadOnlyRoot bool  `yaml:"readOnlyRootFilesystem"`
		Capabilities struct{ Drop []string }
	} `yaml:"securityContext"`
	Mounts []struct {
		Name      string
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
	Period  int                         `yaml:"periodSeconds"`
	Timeout int                         `yaml:"timeoutSeconds"`
	Failure int                         `yaml:"failureThreshold"`
}

// manifests returns the documents by kind; each kind occurs once.
func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	d := yaml.NewDecoder(strings.NewReader(read(t, "deploy/kubernetes.yaml")))
	d.KnownFields(true)
	for {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[m.Kind]; twice {
			t.Fatalf("a second %s", m.Kind)
		}
		all[m.Kind] = m
	}
}
