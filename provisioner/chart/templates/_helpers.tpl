{{- define "holdfast.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.fullname" -}}
{{- $name := include "holdfast.name" . -}}
{{- $release := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{ default $release .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "holdfast.serviceAccountName" -}}
{{ .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "holdfast.fullname" .) "default") }}
{{- end }}

{{/* What finds the pods; never changes. */}}
{{- define "holdfast.selector" -}}
app.kubernetes.io/name: {{ include "holdfast.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "holdfast.labels" -}}
{{ include "holdfast.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | quote }}
{{- with .Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "holdfast.server" -}}
{{ required "nfs.server is empty: give the host name or address of the NFS server, for instance --set nfs.server=192.168.41.10; or list several in exports" .Values.nfs.server }}
{{- end }}

{{- define "holdfast.path" -}}
{{ required "nfs.path is empty: give the path that the server exports, for instance --set nfs.path=/srv/nfs/k8s" .Values.nfs.path }}
{{- end }}

{{- define "holdfast.provisionerName" -}}
{{ .Values.storageClass.provisionerName | default "holdfast.io/nfs" }}
{{- end }}

{{/* Helm would fail halfway; takes {what, objects}. */}}
{{- define "holdfast.refuseSameNames" -}}
{{- $what := .what }}
{{- $names := list }}
{{- range .objects }}
{{- if has .name $names }}
{{- fail (printf "two %s are called %s: give each its own name" $what .name) }}
{{- end }}
{{- $names = append $names .name }}
{{- end }}
{{- end }}

{{/* The provisioner of a class; takes {root, class}. The pods serve no other names. */}}
{{- define "holdfast.provisionerOfClass" -}}
{{- $own := include "holdfast.provisionerName" .root -}}
{{- $wanted := .class.provisionerName | default $own -}}
{{- $names := prepend .root.Values.settings.alsoKnownAs $own -}}
{{- if not (has $wanted $names) }}
{{- fail (printf "provisionerName of StorageClass %s is %s, which is not in settings.alsoKnownAs: it must be one of %s" .class.name $wanted (join ", " $names)) }}
{{- end }}
{{- $wanted }}
{{- end }}

{{/* Mount options, given as a list or as one text with commas, as a JSON list. */}}
{{- define "holdfast.options" -}}
{{- $options := list }}
{{- range kindIs "string" . | ternary (list .) . }}
{{- range splitList "," . }}
{{- with trim . }}{{ $options = append $options . }}{{ end }}
{{- end }}
{{- end }}
{{- $options | toJson }}
{{- end }}

{{/* Access modes, given as a list or as one of them, as a JSON list. */}}
{{- define "holdfast.accessModes" -}}
{{- $modes := . | default "ReadWriteMany" }}
{{- kindIs "string" $modes | ternary (list $modes) $modes | toJson }}
{{- end }}

{{/* The volume through which the pods mount the export, where a pod cannot say how by itself.
     Another export is another volume: neither volumes nor claims can be changed. */}}
{{- define "holdfast.rootVolume" -}}
{{ $export := list (include "holdfast.server" .) (include "holdfast.path" .) .Values.nfs .Values.storageClass.accessModes -}}
{{ printf "%s-%s" .Release.Namespace (include "holdfast.fullname" .) | trunc 54 }}-{{ $export | toJson | sha256sum | trunc 8 }}
{{- end }}

{{/* One StorageClass; takes {root, class}. */}}
{{- define "holdfast.storageClass" -}}
{{- $class := .class -}}
{{- $export := include "holdfast.exportOfClass" . | fromJson -}}
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: {{ $class.name | quote }}
  labels: {{- include "holdfast.labels" .root | nindent 4 }}
  annotations:
    storageclass.kubernetes.io/is-default-class: {{ $class.defaultClass | default false | quote }}
    {{- with $class.annotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
provisioner: {{ include "holdfast.provisionerOfClass" . | quote }}
reclaimPolicy: {{ $class.reclaimPolicy | default "Delete" | quote }}
volumeBindingMode: {{ $class.volumeBindingMode | default "Immediate" | quote }}
allowVolumeExpansion: {{ $class.allowVolumeExpansion | default false }}
parameters:
  {{- if $class.onDelete }}
  onDelete: {{ $class.onDelete | quote }}
  {{- else }}
  archiveOnDelete: {{ dig "archiveOnDelete" true $class | quote }}
  {{- end }}
  {{- with $class.export }}
  export: {{ . | quote }}
  {{- end }}
  {{- with $class.pathPattern }}
  pathPattern: {{ . | quote }}
  {{- end }}
  {{- if $class.sharedPaths }}
  sharedPaths: "true"
  {{- end }}
  {{- if eq ($class.existingDirectories | default "refuse") "use" }}
  existingDirectories: use
  {{- end }}
{{- with include "holdfast.options" ($class.mountOptions | default $export.mountOptions) | fromJsonArray }}
mountOptions: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
