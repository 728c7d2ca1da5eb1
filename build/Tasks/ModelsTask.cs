using Lorq.Diagnostics;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace Lorq.Build;

/// <summary>A task over all models of a project.</summary>
public abstract class ModelsTask : Task
{
    /// <summary>Models to make smaller.</summary>
    public ITaskItem[] CompressedModels { get; set; } = [];

    /// <summary>Models that are called as they are.</summary>
    public ITaskItem[] TypedModels { get; set; } = [];

    /// <summary>The project file.</summary>
    [Required]
    public string Project { get; set; } = "";

    /// <summary>The folder for results.</summary>
    [Required]
    public string IntermediateFolder { get; set; } = "";

    /// <summary>All items, and which kind each is.</summary>
    private protected IEnumerable<(ITaskItem Item, bool IsCompressed)> Items =>
        CompressedModels.Select(i => (i, true)).Concat(TypedModels.Select(i => (i, false)));

    /// <summary>An item as a model.</summary>
    /// <exception cref="BuildException">The item is not sound.</exception>
    private protected ModelItem Model(ITaskItem item, bool isCompressed) =>
        new(item, isCompressed, Path.GetDirectoryName(Project)!, IntermediateFolder);

    /// <summary>Says at the item's place what is wrong with it.</summary>
    private protected void Report(ITaskItem item, BuildException error)
    {
        ProjectPlace place = ProjectPlace.Of(item, Project);
        Log.LogError(null, error.Id, null, place.File, place.Line, place.Column, 0, 0, error.Message);
    }

    /// <summary>Says at the item's place what looks wrong with it.</summary>
    private protected void Warn(ITaskItem item, BuildException problem)
    {
        ProjectPlace place = ProjectPlace.Of(item, Project);
        Log.LogWarning(null, problem.Id, null, place.File, place.Line, place.Column, 0, 0, problem.Message);
    }
}
