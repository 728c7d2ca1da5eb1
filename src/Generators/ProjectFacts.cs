using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Lorq.Generators;

/// <summary>What generated code depends on in the project that it goes into.</summary>
/// <param name="Language">The version of C#.</param>
/// <param name="HasRuntime">Whether Lorq.Runtime is referenced.</param>
/// <param name="HasServices">Whether the abstractions of dependency injection are referenced.</param>
internal sealed record ProjectFacts(LanguageVersion Language, bool HasRuntime, bool HasServices)
{
    /// <summary>Whether generated code can be compiled.</summary>
    public bool CanGenerate => HasRuntime && (int)Language >= 900;

    /// <summary>C# 11: <c>required</c>.</summary>
    public bool HasRequired => (int)Language >= 1100;

    /// <summary>C# 10: <c>namespace N;</c>.</summary>
    public bool HasFileNamespaces => (int)Language >= 1000;

    /// <summary>C# 13: a <c>ref struct</c> that implements an interface.</summary>
    public bool HasRefStructInterfaces => (int)Language >= 1300;

    /// <summary>Reads them.</summary>
    public static ProjectFacts Of(Compilation compilation) =>
        new(
            (compilation as CSharpCompilation)?.LanguageVersion ?? LanguageVersion.Default,
            compilation.GetTypeByMetadataName("Lorq.Runtime.LorqSession") is not null,
            compilation.GetTypeByMetadataName("Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions") is not null
        );

    /// <summary>Those of some names that mean something else in some of the namespaces, as <c>Namespace|Name</c>: there generated code writes full names.</summary>
    /// <param name="compilation">The project.</param>
    /// <param name="namespaces">The namespaces.</param>
    /// <param name="names">Names of types that generated code uses.</param>
    public static EquatableArray<string> Clashes(Compilation compilation, IEnumerable<string> namespaces, IEnumerable<string> names)
    {
        var clashes = new List<string>();
        foreach (string space in namespaces)
        {
            INamespaceSymbol? symbol = compilation.GlobalNamespace;
            foreach (string part in space.Length > 0 ? space.Split('.') : [])
            {
                symbol = symbol?.GetNamespaceMembers().FirstOrDefault(n => n.Name == part.TrimStart('@'));
            }
            if (symbol is not null)
            {
                clashes.AddRange(names.Where(n => symbol.GetMembers(n).Any()).Select(n => $"{space}|{n}"));
            }
        }
        return new(clashes);
    }
}
