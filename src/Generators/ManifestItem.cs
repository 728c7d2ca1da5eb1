using Lorq.Diagnostics;
using Lorq.Generators.Manifests;
using Lorq.Generators.Naming;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;

namespace Lorq.Generators;

/// <summary>A manifest and what the project says of it.</summary>
/// <param name="Path">Where it lies.</param>
/// <param name="Text">Its text.</param>
/// <param name="Namespace">The namespace that is asked for, or that the project has.</param>
/// <param name="ClassName">The class name that is asked for; empty: made from the file's name.</param>
/// <param name="Visibility">The visibility that is asked for; empty: internal.</param>
/// <param name="ModelFile">Path of the model relative to the app's folder; empty: beside the app, by the manifest.</param>
/// <param name="ResourceName">The resource of the assembly that holds the model; empty: it is a file.</param>
/// <param name="Adapters">Names of the adapters that are shipped beside the model.</param>
internal sealed record ManifestItem(
    string Path,
    string Text,
    string Namespace,
    string ClassName,
    string Visibility,
    string ModelFile,
    string ResourceName,
    EquatableArray<string> Adapters
)
{
    private const string Extension = ".lorq.json";

    /// <summary>Reads the item of a file; null where it is no manifest.</summary>
    public static ManifestItem? Of(AdditionalText file, AnalyzerConfigOptionsProvider provider, CancellationToken cancellationToken)
    {
        AnalyzerConfigOptions options = provider.GetOptions(file);
        string Metadata(string name) =>
            options.TryGetValue("build_metadata.AdditionalFiles." + name, out string? value) ? value.Trim() : "";

        if (!string.Equals(Metadata("LorqManifest"), "true", StringComparison.OrdinalIgnoreCase))
        {
            return null;
        }
        string asked = Metadata("LorqNamespace");
        if (asked.Length == 0 && provider.GlobalOptions.TryGetValue("build_property.RootNamespace", out string? root))
        {
            asked = root;
        }
        return new(
            file.Path,
            file.GetText(cancellationToken)?.ToString() ?? "",
            asked,
            Metadata("LorqClassName"),
            Metadata("LorqVisibility"),
            Unescape(Metadata("LorqModelFile")),
            Unescape(Metadata("LorqResourceName")),
            new(Unescape(Metadata("LorqAdapters")).Split(['/'], StringSplitOptions.RemoveEmptyEntries))
        );
    }

    /// <summary>What begins a comment in the compiler's configuration is written otherwise (CollectModels).</summary>
    private static string Unescape(string text) => text.Replace("?23", "#").Replace("?3B", ";").Replace("?3F", "?");

    /// <summary>The wrapper that the item asks for, or what is wrong with it.</summary>
    public Parsed Parse()
    {
        (Signature? signature, Problem? problem) = ManifestReader.Read(Path, Text);
        if (signature is null)
        {
            return new(null, problem);
        }
        string file = System.IO.Path.GetFileName(Path);
        string stem = file.EndsWith(Extension, StringComparison.OrdinalIgnoreCase)
            ? file.Substring(0, file.Length - Extension.Length)
            : file;
        string derived = Identifiers.ClassName(stem);
        string name = ClassName.Length > 0 ? ClassName : derived;
        if (!Identifiers.IsClassName(name))
        {
            return new(null, Catalogue.WrapperName.At(Path, name, file, Identifiers.ClassName(name)));
        }
        if (Namespace.Length > 0 && Identifiers.Namespace(Namespace) is null)
        {
            return new(null, Catalogue.WrapperNamespace.At(Path, Namespace, file));
        }
        string visibility = Visibility.Length > 0 ? Visibility.ToLowerInvariant() : "internal";
        if (visibility is not ("public" or "internal"))
        {
            return new(null, Catalogue.WrapperVisibility.At(Path, Visibility, file));
        }
        string model = ModelFile.Length > 0 ? ModelFile.Replace('\\', '/') : signature.ModelFile ?? stem + ".lorq.onnx";
        string space = Namespace.Length > 0 ? Identifiers.Namespace(Namespace)! : "";
        return new(new(Path, space, name, visibility, model, ResourceName, Adapters, signature), null);
    }
}

/// <summary>What became of an item: a wrapper or a problem.</summary>
/// <param name="Wrapper">The wrapper.</param>
/// <param name="Problem">The problem.</param>
internal sealed record Parsed(Wrapper? Wrapper, Problem? Problem);

/// <summary>A class to be generated, and its types for inputs and outputs.</summary>
/// <param name="Path">The manifest.</param>
/// <param name="Namespace">Its namespace as C# writes it; empty: none.</param>
/// <param name="Name">Its name.</param>
/// <param name="Visibility"><c>public</c> or <c>internal</c>.</param>
/// <param name="ModelFile">Path of the model relative to the app's folder.</param>
/// <param name="ResourceName">The resource of the assembly that holds the model; empty: it is a file.</param>
/// <param name="Adapters">Names of the adapters that are shipped beside the model.</param>
/// <param name="Signature">What the model takes and gives.</param>
internal sealed record Wrapper(
    string Path,
    string Namespace,
    string Name,
    string Visibility,
    string ModelFile,
    string ResourceName,
    EquatableArray<string> Adapters,
    Signature Signature
)
{
    /// <summary>Whether the model lies in the assembly.</summary>
    public bool IsEmbedded => ResourceName.Length > 0;

    public string Input => Name + "Input";

    public string Output => Name + "Output";

    public string Buffers => Name + "Buffers";

    public string Spans => Name + "Spans";

    public string Padding => Name + "Padding";

    public string Services => Name + "Services";

    /// <summary>The names of all types.</summary>
    public IEnumerable<string> Types => [Name, Input, Output, Buffers, Spans, Padding, Services];

    /// <summary>The class's full name.</summary>
    public string FullName => Qualify(Name);

    /// <summary>The full name of a type of this namespace.</summary>
    public string Qualify(string type) => Namespace.Length > 0 ? $"{Namespace}.{type}" : type;
}
