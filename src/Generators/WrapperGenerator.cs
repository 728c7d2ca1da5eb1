using System.Collections.Immutable;
using System.Text;
using Lorq.Diagnostics;
using Lorq.Generators.Emission;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Lorq.Generators;

/// <summary>
/// Makes a class for each model of a project from the manifest beside it. Each step gives values that compare by content, so that an edit runs again only what
/// depends on it: an edit of code ends at <see cref="ProjectStep"/> and <see cref="ClashStep"/>, an edit of one manifest makes one page.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class WrapperGenerator : IIncrementalGenerator
{
    internal const string ItemStep = "Items";
    internal const string ParseStep = "Parse";
    internal const string DuplicateStep = "Duplicates";
    internal const string ProjectStep = "Project";
    internal const string ClashStep = "Clashes";
    internal const string PageStep = "Pages";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValuesProvider<Parsed> parsed = context
            .AdditionalTextsProvider.Combine(context.AnalyzerConfigOptionsProvider)
            .Select(static (pair, cancellation) => ManifestItem.Of(pair.Left, pair.Right, cancellation))
            .Where(static item => item is not null)
            .WithTrackingName(ItemStep)
            .Select(static (item, _) => item!.Parse())
            .WithTrackingName(ParseStep);

        IncrementalValueProvider<EquatableArray<Duplicate>> duplicates = parsed
            .Collect()
            .Select(static (all, _) => new EquatableArray<Duplicate>(Duplicate.Among(all)))
            .WithTrackingName(DuplicateStep);

        IncrementalValueProvider<ProjectFacts> project = context
            .CompilationProvider.Select(static (compilation, _) => ProjectFacts.Of(compilation))
            .WithTrackingName(ProjectStep);

        IncrementalValueProvider<EquatableArray<string>> namespaces = parsed
            .Collect()
            .Select(
                static (all, _) =>
                    new EquatableArray<string>(
                        all.Where(p => p.Wrapper is not null)
                            .Select(p => p.Wrapper!.Namespace)
                            .Distinct()
                            .OrderBy(n => n, StringComparer.Ordinal)
                    )
            );
        IncrementalValueProvider<EquatableArray<string>> clashes = context
            .CompilationProvider.Combine(namespaces)
            .Select(static (pair, _) => ProjectFacts.Clashes(pair.Left, pair.Right, TypeNames.All))
            .WithTrackingName(ClashStep);
        IncrementalValueProvider<EquatableArray<string>> generated = parsed
            .Collect()
            .Select(
                static (all, _) =>
                    new EquatableArray<string>(
                        all.Where(p => p.Wrapper is not null)
                            .SelectMany(p => p.Wrapper!.Types.Where(TypeNames.All.Contains).Select(t => $"{p.Wrapper.Namespace}|{t}"))
                    )
            );

        var pages = parsed
            .Combine(duplicates)
            .Combine(project)
            .Combine(clashes.Combine(generated))
            .Select(
                static (all, _) =>
                    Made.Of(all.Left.Left.Left, all.Left.Left.Right, all.Left.Right, new(all.Right.Left.Concat(all.Right.Right)))
            )
            .WithTrackingName(PageStep);
        context.RegisterSourceOutput(pages, static (output, made) => made.AddTo(output));

        var failing = parsed.Where(static p => p.Wrapper is not null).Collect().Combine(project);
        context.RegisterSourceOutput(failing, static (output, pair) => ReportProject(output, pair.Left, pair.Right));
    }

    /// <summary>What is wrong with the project is said once, not for every model.</summary>
    private static void ReportProject(SourceProductionContext output, ImmutableArray<Parsed> models, ProjectFacts project)
    {
        if (models.IsEmpty)
        {
            return;
        }
        string names = string.Join(", ", models.Select(m => $"'{Path.GetFileName(m.Wrapper!.Path)}'"));
        if (!project.HasRuntime)
        {
            output.ReportDiagnostic(Catalogue.RuntimeNotReferenced.At(null, names).ToDiagnostic());
        }
        else if (!project.CanGenerate)
        {
            output.ReportDiagnostic(Catalogue.LanguageVersion.At(null, names, project.Language.ToDisplayString()).ToDiagnostic());
        }
    }

    /// <summary>A type that an earlier model makes already.</summary>
    private sealed record Duplicate(string Path, string FirstPath, string Type)
    {
        public static IEnumerable<Duplicate> Among(IEnumerable<Parsed> all)
        {
            var makers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase); // files of generated code differ by more than case
            foreach (Wrapper w in all.Where(p => p.Wrapper is not null).Select(p => p.Wrapper!))
            {
                string[] types = [.. w.Types.Select(w.Qualify)];
                if (Array.Find(types, makers.ContainsKey) is { } twice)
                {
                    yield return new(w.Path, makers[twice], twice);
                    continue;
                }
                foreach (string type in types)
                {
                    makers.Add(type, w.Path);
                }
            }
        }
    }

    /// <summary>What is given to the compiler for a model: a page or a problem, or nothing where the project has one.</summary>
    private sealed record Made(string Name, string? Page, Problem? Problem)
    {
        public static Made Of(Parsed parsed, EquatableArray<Duplicate> duplicates, ProjectFacts project, EquatableArray<string> clashes)
        {
            if (parsed.Wrapper is not { } w)
            {
                return new("", null, parsed.Problem);
            }
            if (duplicates.FirstOrDefault(d => d.Path == w.Path) is { } duplicate)
            {
                // Files of one name are told apart by their folders.
                string[] both = [Path.GetFileName(w.Path), Path.GetFileName(duplicate.FirstPath)];
                both = both[0] == both[1] ? [w.Path, duplicate.FirstPath] : both;
                Problem problem = Catalogue.DuplicateType.At(w.Path, both[0], both[1], duplicate.Type);
                return new("", null, problem);
            }
            bool full = clashes.Any(c => c.Substring(0, c.IndexOf('|')) == w.Namespace);
            return new(w.FullName, project.CanGenerate ? Emission.Page.Write(w, project, full) : null, null);
        }

        public void AddTo(SourceProductionContext output)
        {
            if (Problem is not null)
            {
                output.ReportDiagnostic(Problem.ToDiagnostic());
            }
            else if (Page is not null)
            {
                output.AddSource($"{Name.Replace("@", "")}.g.cs", SourceText.From(Page, Encoding.UTF8));
            }
        }
    }
}
