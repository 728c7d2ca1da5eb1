using Microsoft.CodeAnalysis;

namespace Lorq.Generators;

/// <summary>Every diagnostic of the generator, each explained in <c>docs/generator.md</c>.</summary>
internal static class Problems
{
    public static readonly DiagnosticDescriptor ManifestUnreadable = Error(
        "LORQ1001",
        "The manifest cannot be read",
        "'{0}' is not a manifest of Lorq: {1} Compress the model again; manifests are not edited by hand."
    );

    public static readonly DiagnosticDescriptor ManifestVersion = Error(
        "LORQ1002",
        "The manifest has another format version",
        "'{0}' has format version {1}, and this version of Lorq.Build reads version {2}. {3}"
    );

    public static readonly DiagnosticDescriptor ClassName = Error(
        "LORQ1003",
        "The class name is not a C# identifier",
        "'{0}', the class name for '{1}', is not a C# identifier. Set ClassName on the item to one, for example '{2}'."
    );

    public static readonly DiagnosticDescriptor DuplicateType = Error(
        "LORQ1004",
        "Two models make one type",
        "'{0}' and '{1}' would both make the type '{2}'. Give one of the items another ClassName or Namespace."
    );

    public static readonly DiagnosticDescriptor Namespace = Error(
        "LORQ1005",
        "The namespace is not one",
        "'{0}', the namespace for '{1}', is not a C# namespace. Set Namespace on the item to identifiers with dots between them."
    );

    public static readonly DiagnosticDescriptor Visibility = Error(
        "LORQ1006",
        "The visibility is neither public nor internal",
        "'{0}', the visibility for '{1}', is neither 'public' nor 'internal'. Set Visibility on the item to one of them."
    );

    public static readonly DiagnosticDescriptor Language = Error(
        "LORQ1007",
        "The language version is below C# 9",
        "The classes for {0} need C# 9 or newer, and the project has C# {1}. Raise or remove LangVersion."
    );

    public static readonly DiagnosticDescriptor RuntimeMissing = Error(
        "LORQ1008",
        "Lorq.Runtime is not referenced",
        "The classes for {0} call the package Lorq.Runtime, which the project does not reference. Add it, without PrivateAssets or ExcludeAssets=\"compile\"."
    );

    private static DiagnosticDescriptor Error(string id, string title, string message) =>
        new(id, title, message, "Lorq", DiagnosticSeverity.Error, true);
}
