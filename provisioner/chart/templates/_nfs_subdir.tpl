{{/* What values of the chart of nfs-subdir-external-provisioner 4.0.18 mean here: refused by name,
     or ignored, which NOTES.txt says. */}}

{{- define "holdfast.refuseOthers" -}}
{{- if regexMatch "nfs-(subdir-external|client)-provisioner" .Values.image.repository }}
{{- fail (printf "image.repository is %s, the image of another provisioner: take image out of your values, or name Holdfast's image" .Values.image.repository) }}
{{- end }}
{{- if regexMatch "^v4\\.0\\.[0-9]+$" (.Values.image.tag | default "") }}
{{- fail (printf "image.tag is %s, a release of nfs-subdir-external-provisioner: take image out of your values, or name a tag of Holdfast's image" .Values.image.tag) }}
{{- end }}
{{- if (.Values.podSecurityPolicy | default dict).enabled }}
{{- fail "podSecurityPolicy.enabled is true: Kubernetes 1.25 removed PodSecurityPolicy; set it to false" }}
{{- end }}
{{- end }}

{{- define "holdfast.ignored" -}}
{{- if .Values.buildMode }}
  buildMode: the pods mount the export, always.
{{- end }}
{{- if .Values.namespaceOverride }}
  namespaceOverride: everything is in the namespace of the release, {{ .Release.Namespace }}.
{{- end }}
{{- end }}
