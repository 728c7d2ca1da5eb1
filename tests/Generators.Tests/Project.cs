using System.Collections.Immutable;
using System.Reflection;
using System.Runtime.Loader;
using Lorq.Runtime;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Diagnostics;
using Microsoft.CodeAnalysis.Text;
using Microsoft.Extensions.DependencyInjection;

namespace Lorq.Generators.Tests;

/// <summary>A project in memory: code, manifests and what MSBuild says of them; the generator runs in it, the result is compiled at the strictest level and can be called.</summary>
internal sealed class Project
{
    private static readonly ImmutableArray<MetadataReference> platform =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Append(typeof(LorqSession).Assembly.Location)
            .Append(typeof(Microsoft.ML.OnnxRuntime.OrtValue).Assembly.Location)
            .Append(typeof(System.Numerics.Tensors.Tensor).Assembly.Location)
            .Where(p => !Path.GetFileName(p).StartsWith("Microsoft.Extensions", StringComparison.Ordinal))
            .Where(p => !Path.GetFileName(p).StartsWith("Generators", StringComparison.Ordinal))
            .DistinctBy(Path.GetFileName)
            .Select(p => MetadataReference.CreateFromFile(p)),
    ];

    private IReadOnlyList<AdditionalText>? texts;

    public LanguageVersion Language { get; init; } = LanguageVersion.Latest;

    public string RootNamespace { get; init; } = "App";

    public bool HasServices { get; init; }

    public bool HasRuntime { get; init; } = true;

    public string Code { get; set; } = "";

    public List<(string Path, string Text, Dictionary<string, string> Metadata)> Manifests { get; } = [];

    /// <summary>Resources of the assembly.</summary>
    public List<(string Name, byte[] Content)> Resources { get; } = [];

    /// <summary>Adds a manifest with metadata of its item: <c>LorqClassName=…</c>.</summary>
    public Project With(string path, string text, params string[] metadata)
    {
        var all = metadata.ToDictionary(m => m[..m.IndexOf('=')], m => m[(m.IndexOf('=') + 1)..]);
        all.TryAdd("LorqManifest", "true");
        Manifests.Add((path, text, all));
        return this;
    }

    public CSharpCompilation Compilation()
    {
        IEnumerable<MetadataReference> references = platform;
        if (HasServices)
        {
            references = references.Append(MetadataReference.CreateFromFile(typeof(IServiceCollection).Assembly.Location));
        }
        if (!HasRuntime)
        {
            references = references.Where(r => Path.GetFileName(r.Display) != "Lorq.Runtime.dll");
        }
        return CSharpCompilation.Create(
            "App" + Guid.NewGuid().ToString("N"),
            [CSharpSyntaxTree.ParseText("#pragma warning disable CS1591 // tests call, they document nothing\n" + Code, Parse)],
            references,
            new CSharpCompilationOptions(
                OutputKind.DynamicallyLinkedLibrary,
                nullableContextOptions: NullableContextOptions.Enable,
                warningLevel: 9999,
                generalDiagnosticOption: ReportDiagnostic.Error
            )
        );
    }

    public CSharpParseOptions Parse => new(Language, DocumentationMode.Diagnose);

    /// <summary>The manifests as the compiler gets them.</summary>
    public IReadOnlyList<AdditionalText> Texts => texts ??= [.. Manifests.Select(m => new Text(m.Path, m.Text))];

    public GeneratorDriver Driver() =>
        CSharpGeneratorDriver.Create(
            [new WrapperGenerator().AsSourceGenerator()],
            Texts,
            Parse,
            new Options(this),
            new GeneratorDriverOptions(IncrementalGeneratorOutputKind.None, trackIncrementalGeneratorSteps: true)
        );

    /// <summary>What the generator reports.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics() => Driver().RunGenerators(Compilation()).GetRunResult().Diagnostics;

    /// <summary>The pages by their names.</summary>
    public IReadOnlyDictionary<string, string> Pages() =>
        Driver()
            .RunGenerators(Compilation())
            .GetRunResult()
            .Results.Single()
            .GeneratedSources.ToDictionary(s => s.HintName, s => s.SourceText.ToString());

    /// <summary>Generates, compiles without any warning, and loads.</summary>
    public Assembly Build()
    {
        Driver().RunGeneratorsAndUpdateCompilation(Compilation(), out Compilation all, out ImmutableArray<Diagnostic> reported);
        Assert.Empty(reported);
        using var image = new MemoryStream();
        var result = all.Emit(
            image,
            manifestResources: Resources.Select(r => new ResourceDescription(r.Name, () => new MemoryStream(r.Content), isPublic: true))
        );
        string[] faults = [.. result.Diagnostics.Where(d => d.Severity >= DiagnosticSeverity.Warning).Select(d => d.ToString())];
        Assert.True(faults.Length == 0, string.Join("\n", faults.Take(10)) + "\n" + all.SyntaxTrees.Last());
        image.Position = 0;
        return AssemblyLoadContext.Default.LoadFromStream(image);
    }

    /// <summary>Builds and calls <c>App.Program.Main</c> with an argument.</summary>
    public object? Call(object argument)
    {
        MethodInfo main = Build().GetType("App.Program")!.GetMethod("Main")!;
        return main.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [argument], null);
    }

    internal sealed class Text(string path, string text) : AdditionalText
    {
        public override string Path { get; } = path;

        public override SourceText GetText(CancellationToken cancellationToken = default) => SourceText.From(text);
    }

    internal sealed class Options(Project project) : AnalyzerConfigOptionsProvider
    {
        public override AnalyzerConfigOptions GlobalOptions { get; } =
            new Values(new() { ["build_property.RootNamespace"] = project.RootNamespace });

        public override AnalyzerConfigOptions GetOptions(SyntaxTree tree) => new Values([]);

        public override AnalyzerConfigOptions GetOptions(AdditionalText textFile) =>
            new Values(
                project
                    .Manifests.First(m => m.Path == textFile.Path)
                    .Metadata.ToDictionary(m => "build_metadata.AdditionalFiles." + m.Key, m => m.Value)
            );
    }

    private sealed class Values(Dictionary<string, string> values) : AnalyzerConfigOptions
    {
        private readonly Dictionary<string, string> values = new(values, KeyComparer);

        public override bool TryGetValue(string key, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out string? value) =>
            values.TryGetValue(key, out value);
    }
}
