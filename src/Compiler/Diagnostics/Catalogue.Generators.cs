namespace Lorq.Diagnostics;

/// <summary>What the source generator says in the compilation of a project. The generator compiles this file too.</summary>
public static partial class Catalogue
{
    /// <summary>A manifest that is none.</summary>
    public static readonly Diagnostic ManifestUnreadable = new(
        "LORQ1001",
        "A manifest cannot be read",
        "'{0}' is not a manifest of Lorq: {1}",
        "The file that the compiler writes beside a model, <name>.lorq.json, was edited by hand, cut short, or replaced by another file.",
        "Compress the model again; manifests are not edited by hand."
    );

    /// <summary>A manifest of another version.</summary>
    public static readonly Diagnostic ManifestVersion = new(
        "LORQ1002",
        "A manifest has another format version",
        "'{0}' has format version {1}, and this version of Lorq.Build reads version {2}.",
        "The manifest comes from a newer or an older version of Lorq than the generator.",
        "If the manifest is newer, update the package Lorq.Build; if it is older, compress the model again."
    );

    /// <summary>A class name that cannot be.</summary>
    public static readonly Diagnostic WrapperName = new(
        "LORQ1003",
        "A class name cannot be used",
        "'{0}' cannot be the name of the class for '{1}'; '{2}' can.",
        "ClassName on the item is not a C# identifier, is a keyword, or is the name of a member of the class, such as Run.",
        "Set ClassName on the item to another name."
    );

    /// <summary>Two models that make one type.</summary>
    public static readonly Diagnostic DuplicateType = new(
        "LORQ1004",
        "Two models make one type",
        "'{0}' and '{1}' would both make the type '{2}'.",
        "Two models have one class name, or one makes a type for its inputs or outputs that another is called, such as M and MInput. Names that differ in case only count as one. The first model, in the order of items, has its class.",
        "Give one of the items another ClassName or Namespace."
    );

    /// <summary>A namespace that cannot be.</summary>
    public static readonly Diagnostic WrapperNamespace = new(
        "LORQ1005",
        "A namespace is not one",
        "'{0}', the namespace for '{1}', is not a C# namespace.",
        "Namespace on the item, or the project's RootNamespace, is not made of identifiers with dots between them.",
        "Set Namespace on the item to identifiers with dots between them."
    );

    /// <summary>A visibility that cannot be.</summary>
    public static readonly Diagnostic WrapperVisibility = new(
        "LORQ1006",
        "A visibility is neither public nor internal",
        "'{0}', the visibility for '{1}', is neither 'public' nor 'internal'.",
        "Visibility on the item says who may use the class.",
        "Set Visibility on the item to public or internal."
    );

    /// <summary>A language version that is too low.</summary>
    public static readonly Diagnostic LanguageVersion = new(
        "LORQ1007",
        "The language version is below C# 9",
        "The classes for {0} need C# 9 or newer, and the project has C# {1}.",
        "Typed classes have records, which C# 9 brought.",
        "Raise or remove LangVersion."
    );

    /// <summary>A project that cannot call the classes' base.</summary>
    public static readonly Diagnostic RuntimeNotReferenced = new(
        "LORQ1008",
        "Lorq.Runtime is not referenced",
        "The classes for {0} call the package Lorq.Runtime, which the project does not reference.",
        "Lorq.Build brings Lorq.Runtime along, unless its assets are excluded.",
        "Add the package Lorq.Runtime to the project, without PrivateAssets or ExcludeAssets=\"compile\"."
    );
}
