{{/* What `holdfast run` is told; docs/operations.md has the whole list. What can be said of each
     export is in the file that lists several: there, a change restarts no pod. */}}
{{- define "holdfast.environment" -}}
- name: PROVISIONER_NAME
  value: {{ include "holdfast.provisionerName" . | quote }}
{{- if .Values.exports }}
- name: HOLDFAST_CONFIG
  value: /etc/holdfast/exports.yaml
{{- else }}
- name: NFS_SERVER
  value: {{ include "holdfast.server" . | quote }}
{{- with .Values.nfs.serverAliases }}
- name: HOLDFAST_NFS_SERVER_ALIASES
  value: {{ join " " . | quote }}
{{- end }}
- name: NFS_PATH
  value: {{ include "holdfast.path" . | quote }}
{{- end }}
- name: ENABLE_LEADER_ELECTION
  value: {{ .Values.leaderElection.enabled | quote }}
{{- if not .Values.exports }}
- name: NFS_DEFAULT_MODE
  value: {{ .Values.directories.mode | quote }}
{{- if not (kindIs "invalid" .Values.directories.uid) }}
- name: NFS_DEFAULT_UID
  value: {{ .Values.directories.uid | int64 | quote }}
{{- end }}
{{- if not (kindIs "invalid" .Values.directories.gid) }}
- name: NFS_DEFAULT_GID
  value: {{ .Values.directories.gid | int64 | quote }}
{{- end }}
{{- end }}
{{- with .Values.settings }}
{{- with .alsoKnownAs }}
- name: HOLDFAST_ALSO_KNOWN_AS
  value: {{ join " " . | quote }}
{{- end }}
{{- with .takesOver }}
- name: HOLDFAST_TAKES_OVER
  value: {{ join " " . | quote }}
{{- end }}
- name: HOLDFAST_FINALIZER
  value: {{ .finalizer | quote }}
- name: HOLDFAST_WORKERS
  value: {{ .workers | quote }}
{{- if not $.Values.exports }}
- name: HOLDFAST_EXPORT_DEADLINE
  value: {{ .exportDeadline | quote }}
{{- end }}
- name: HOLDFAST_LOG_FORMAT
  value: {{ .logFormat | quote }}
- name: HOLDFAST_LOG_LEVEL
  value: {{ .logLevel | quote }}
{{- end }}
- name: POD_NAME
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: POD_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
{{- end }}
